// Places the tasks of a graph, apart from the page: many take a second or more.
import { Graph, layout } from "./vendor/dagre.esm.js";

const MANY = 100; // from here on the best ranks take too long

onmessage = ({ data: { ids, edges, width, height } }) => {
  const graph = new Graph();
  const ranker = ids.length < MANY ? "network-simplex" : "tight-tree";
  graph.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 48, ranker });
  for (const id of ids) graph.setNode(String(id), { width, height });
  for (const { parent, dependent, on_failure: onFailure } of edges) {
    graph.setEdge(String(parent), String(dependent), { onFailure });
  }
  layout(graph);
  postMessage({
    size: [Math.max(width, graph.graph().width), Math.max(height, graph.graph().height)],
    nodes: new Map(ids.map((id) => [id, { x: graph.node(String(id)).x, y: graph.node(String(id)).y }])),
    edges: graph.edges().map(({ v, w }) => {
      const { points, onFailure } = graph.edge(v, w);
      return { parent: graph.node(v), dependent: graph.node(w), points, onFailure };
    }),
  });
};
