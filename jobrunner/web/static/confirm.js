// Questions before an act: one dialog, for plain forms and for htmx.
import { make } from "./dom.js";

function ask(question, detail, label, isDangerous) {
  const no = make("button", { type: "button", value: "no", autofocus: true }, "Cancel");
  const yes = make("button", { type: "button", class: isDangerous ? "danger" : "primary" }, label);
  const dialog = make(
    "dialog",
    { class: "confirm", "aria-labelledby": "confirm-question" },
    make("h2", { id: "confirm-question" }, question),
    detail ? make("p", {}, detail) : null,
    make("div", { class: "actions" }, no, yes),
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = false;
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

export function askForForms() {
  const answered = new WeakSet();
  const wait = async (form, submitter) => {
    const { confirm, confirmDetail, confirmLabel } = form.dataset;
    const isDangerous = Boolean(form.querySelector("button.danger"));
    if (!(await ask(confirm, confirmDetail, confirmLabel || "Go on", isDangerous))) return;
    answered.add(form);
    form.requestSubmit(submitter);
  };
  // Captured, so that htmx hears of a form only when it is confirmed.
  addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.matches("form[data-confirm]") || answered.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      wait(form, event.submitter);
    },
    { capture: true },
  );
}

export function askForRequests() {
  document.addEventListener("htmx:confirm", async (event) => {
    event.preventDefault();
    const { ctx, issueRequest, dropRequest } = event.detail;
    const { confirmDetail, confirmLabel } = ctx.sourceElement.dataset;
    const isDangerous = ctx.sourceElement.matches(".danger");
    const answer = await ask(ctx.confirm, confirmDetail, confirmLabel || "Go on", isDangerous);
    (answer ? issueRequest : dropRequest)();
  });
}
