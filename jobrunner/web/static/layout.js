// Places the boxes of a graph, apart from the page: many take a second or more.
import { Graph, layout } from "./vendor/dagre.esm.js";

const MANY = 100; // from here on the best ranks take too long

onmessage = ({ data: { boxes, edges } }) => {
  const graph = new Graph();
  const ranker = boxes.length < MANY ? "network-simplex" : "tight-tree";
  graph.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 48, ranker });
  for (const { key, width, height } of boxes) graph.setNode(key, { width, height });
  for (const { parent, dependent, onFailure } of edges) graph.setEdge(parent, dependent, { onFailure });
  layout(graph);
  postMessage({
    size: [graph.graph().width, graph.graph().height],
    boxes: new Map(boxes.map(({ key }) => [key, { x: graph.node(key).x, y: graph.node(key).y }])),
    edges: graph.edges().map(({ v, w }) => {
      const { points, onFailure } = graph.edge(v, w);
      return { parent: graph.node(v), dependent: graph.node(w), points, onFailure };
    }),
  });
};
