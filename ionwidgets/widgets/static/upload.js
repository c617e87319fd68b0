// A labelled native file input. The file goes to the kernel in pieces: a websocket message may hold 10 MiB at most.
const PIECE = 2 ** 20;

function render({ model, el }) {
  const id = `ionw-upload-${Math.random().toString(36).slice(2)}`;
  const root = document.createElement("div");
  root.className = "ionw-field ionw-upload";
  const label = document.createElement("label");
  label.htmlFor = id;
  const input = document.createElement("input");
  input.id = id;
  input.type = "file";
  const problem = document.createElement("p");
  problem.className = "ionw-problem";
  problem.id = `${id}-problem`;
  problem.setAttribute("role", "alert");
  input.setAttribute("aria-describedby", problem.id);

  const show = () => {
    label.textContent = model.get("label");
    input.accept = model.get("accept");
    problem.textContent = model.get("problem");
    problem.hidden = !model.get("problem");
    input.toggleAttribute("aria-invalid", Boolean(model.get("problem")));
  };

  async function send() {
    const [file] = input.files;
    if (!file) return;
    if (file.size > model.get("limit")) {
      model.send({ kind: "too-large", name: file.name, size: file.size });
      return;
    }
    const pieces = Math.max(1, Math.ceil(file.size / PIECE));
    for (let index = 0; index < pieces; index++) {
      const piece = await file.slice(index * PIECE, (index + 1) * PIECE).arrayBuffer();
      model.send({ kind: "piece", name: file.name, index, pieces }, undefined, [new DataView(piece)]);
    }
    input.value = ""; // the same file, edited, can be chosen again
  }

  input.addEventListener("change", send);
  model.on("change:label change:accept change:problem", show);
  show();
  root.append(label, input, problem);
  el.append(root);
  return () => model.off("change:label change:accept change:problem", show);
}

export default { render };
