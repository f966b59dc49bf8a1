// The list of tasks: choosing some of a page. What is chosen is not disturbed by live updates.
const list = document.getElementById("list");
const address = list?.dataset.refresh;

const boxes = () => [...document.querySelectorAll('input[name="ids"]')];
let last = null;

function show() {
  const every = document.getElementById("every");
  if (!every) return;
  const all = boxes();
  const number = all.filter((box) => box.checked).length;
  every.hidden = false;
  every.checked = number > 0 && number === all.length;
  every.indeterminate = number > 0 && number < all.length;
  document.getElementById("chosen").textContent = number ? `${number} chosen` : "Choose all of this page";
  document.querySelectorAll("[data-chosen]").forEach((button) => (button.disabled = number === 0));
  for (const box of all) box.closest("tr").setAttribute("aria-selected", box.checked);
  if (number) delete list.dataset.refresh;
  else list.dataset.refresh = address;
}

list?.addEventListener("change", (event) => {
  if (event.target.id === "every") {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  show();
});

// With the shift key, all from the last one that was clicked.
list?.addEventListener("click", (event) => {
  const box = event.target;
  if (box.name !== "ids") return;
  const all = boxes();
  if (event.shiftKey && last?.isConnected) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    show();
  }
  last = box;
});

document.addEventListener("htmx:after:swap", show);
addEventListener("pageshow", show);
show();
