// A heading that shows or hides what follows it; what is hidden is neither simulated nor drawn.
function render({ model, el }) {
  const heading = document.createElement("h2");
  heading.className = "ionw-disclosure";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = model.get("name");
  const note = document.createElement("span");
  note.className = "ionw-soft";
  button.addEventListener("click", () => {
    model.set("unfolded", !model.get("unfolded"));
    model.save_changes();
    show();
  });
  const show = () => {
    button.setAttribute("aria-expanded", String(model.get("unfolded")));
    note.textContent = model.get("note");
  };
  model.on("change:unfolded change:note", show);
  show();
  heading.append(button);
  el.append(heading, note);
  return () => model.off("change:unfolded change:note", show);
}

export default { render };
