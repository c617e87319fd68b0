// Lines of Python to take along, and a button that puts them on the clipboard.

function render({ model, el }) {
  const id = `ionw-copy-${Math.random().toString(36).slice(2)}`;
  const root = document.createElement("div");
  root.className = "ionw-copy";
  const label = document.createElement("label");
  label.htmlFor = id;
  const area = document.createElement("textarea");
  area.id = id;
  area.readOnly = true;
  area.spellcheck = false;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ionw-button";
  const show = () => {
    label.textContent = model.get("label");
    area.value = model.get("text");
    area.rows = Math.min(14, model.get("text").split("\n").length + 1);
    button.textContent = model.get("action");
  };
  button.addEventListener("click", async () => {
    area.select();
    try {
      await navigator.clipboard.writeText(area.value);
    } catch {
      document.execCommand("copy"); // a page without the clipboard permission
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = model.get("action")), 1500);
  });
  model.on("change:text change:label change:action", show);
  show();
  root.append(label, area, button);
  el.append(root);
  return () => model.off("change:text change:label change:action", show);
}

export default { render };
