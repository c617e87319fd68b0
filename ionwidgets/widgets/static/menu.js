// A button that opens the panel beside it. Nothing of it needs the kernel, so that it opens while that is busy.
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ionw-menu-button";
  const menu = () => el.closest(".ionw-menu");
  const show = () => {
    const open = model.get("expanded");
    button.textContent = model.get("label");
    button.setAttribute("aria-expanded", String(open));
    menu()?.classList.toggle("is-open", open);
  };
  const set = (open) => {
    if (open === model.get("expanded")) return;
    model.set("expanded", open);
    model.save_changes();
    show();
  };
  const outside = (target) => target instanceof Node && !menu()?.contains(target);
  const press = (event) => model.get("expanded") && outside(event.target) && set(false);
  const leave = (event) => model.get("expanded") && outside(event.relatedTarget) && set(false);
  const key = (event) => {
    if (event.key !== "Escape" || !model.get("expanded") || outside(event.target)) return;
    set(false);
    button.focus();
  };
  button.addEventListener("click", () => set(!model.get("expanded")));
  document.addEventListener("pointerdown", press);
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", key);
  model.on("change:expanded change:label", show);
  el.append(button);
  requestAnimationFrame(show); // once it is in its menu
  show();
  return () => {
    model.off("change:expanded change:label", show);
    document.removeEventListener("pointerdown", press);
    document.removeEventListener("focusout", leave);
    document.removeEventListener("keydown", key);
  };
}

export default { render };
