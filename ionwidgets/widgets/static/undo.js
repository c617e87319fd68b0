// Undo, Redo and Reset. Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) work anywhere in the panel but where one writes text.
// A button that has nothing to do stays focusable, so that the keyboard is not sent back to the top of the page.
const WRITES = "textarea, select, [contenteditable], input:not([type=range], [type=checkbox], [type=button])";

function render({ model, el }) {
  const bar = document.createElement("div");
  bar.className = "ionw-undo";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Settings");
  const act = (kind) => model.send({ kind });
  const make = (name, kind, keys) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ionw-button";
    button.textContent = name;
    if (keys) {
      button.setAttribute("aria-keyshortcuts", keys);
      button.title = keys.split(" ")[0].replaceAll("+", " + ").replace("Control", "Ctrl");
    }
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") act(kind);
    });
    bar.append(button);
    return button;
  };
  const undo = make("Undo", "undo", "Control+Z");
  const redo = make("Redo", "redo", "Control+Shift+Z Control+Y");
  make("Reset", "reset");
  const show = () => {
    undo.setAttribute("aria-disabled", String(!model.get("can_undo")));
    redo.setAttribute("aria-disabled", String(!model.get("can_redo")));
  };
  const pressed = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && !(key === "y" && !event.shiftKey)) return;
    if (!el.closest(".ionw-panel")?.contains(event.target) || event.target.closest(WRITES)) return;
    event.preventDefault();
    event.stopPropagation();
    act(key === "y" || event.shiftKey ? "redo" : "undo");
  };
  document.addEventListener("keydown", pressed, true);
  model.on("change:can_undo change:can_redo", show);
  show();
  el.append(bar);
  return () => {
    document.removeEventListener("keydown", pressed, true);
    model.off("change:can_undo change:can_redo", show);
  };
}

export default { render };
