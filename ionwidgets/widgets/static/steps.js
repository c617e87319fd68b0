// The five steps. Buttons, not tabs: every step is one Tab key away, and the current one says so.
function render({ model, el }) {
  const nav = document.createElement("nav");
  nav.className = "ionw-steps";
  nav.setAttribute("aria-label", "Steps");
  const list = document.createElement("ol");
  const buttons = model.get("names").map((name, index) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const [number, ...words] = name.split(" ");
    const digit = document.createElement("span");
    digit.className = "ionw-step-number";
    digit.textContent = number;
    button.append(digit, ` ${words.join(" ")}`);
    button.addEventListener("click", () => {
      model.set("current", index);
      model.save_changes();
      show();
    });
    item.append(button);
    list.append(item);
    return button;
  });
  const show = () =>
    buttons.forEach((button, index) => {
      if (index === model.get("current")) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
  model.on("change:current", show);
  show();
  nav.append(list);
  el.append(nav);
  return () => model.off("change:current", show);
}

export default { render };
