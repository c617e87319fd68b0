// A group of check boxes: native ones, so that keyboard and screen reader know them.

function render({ model, el }) {
  const root = document.createElement("fieldset");
  root.className = "ionw-choices";
  const legend = document.createElement("legend");
  const row = document.createElement("div");
  root.append(legend, row);
  el.append(root);

  const choose = (values) => {
    const order = model.get("options").map((option) => option.value);
    model.set("chosen", order.filter((value) => values.includes(value)));
    model.save_changes();
  };
  const tick = () => {
    const chosen = model.get("chosen");
    for (const box of row.querySelectorAll("input")) box.checked = chosen.includes(box.value);
  };
  const build = () => {
    legend.textContent = model.get("label");
    const boxes = model.get("options").map((option) => {
      const label = document.createElement("label");
      label.className = "ionw-choice";
      if (option.title) label.title = option.title;
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = option.value;
      box.setAttribute("aria-label", option.value);
      box.addEventListener("change", () =>
        choose([...row.querySelectorAll("input")].filter((other) => other.checked).map((other) => other.value)),
      );
      const text = document.createElement("span");
      text.innerHTML = option.html; // escaped by the kernel
      label.append(box, text);
      return label;
    });
    const buttons = model.get("presets").map((preset) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ionw-link";
      button.textContent = preset.name;
      button.addEventListener("click", () => choose(preset.values));
      return button;
    });
    row.replaceChildren(...boxes, ...buttons);
    tick();
  };
  model.on("change:label change:options change:presets", build);
  model.on("change:chosen", tick);
  build();
  return () => {
    model.off("change:label change:options change:presets", build);
    model.off("change:chosen", tick);
  };
}

export default { render };
