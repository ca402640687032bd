// The mean of a row as a dot with its interval on the axis that all rows share; drawn as dots.py draws it.
"use strict";
const DOTS = (() => {
  const LEFT = 5, SPAN = 100, MIDDLE = 9;
  const make = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const axis = (means) => { // means: [mean, [low, high] or null]
    const ends = means.flatMap(([mean, interval]) => [mean, ...(interval ?? [])]);
    return ends.length ? [Math.min(...ends), Math.max(...ends)] : null;
  };
  const draw = ([low, high], mean, interval) => {
    const at = (value) => LEFT + (high > low ? (value - low) / (high - low) : 0.5) * SPAN;
    const svg = make("svg", { class: "dots", width: SPAN + 2 * LEFT, height: 2 * MIDDLE, "aria-hidden": "true" });
    svg.append(make("line", { class: "axis", x1: LEFT, x2: LEFT + SPAN, y1: MIDDLE, y2: MIDDLE }));
    if (interval) svg.append(make("line", { class: "span", x1: at(interval[0]), x2: at(interval[1]), y1: MIDDLE, y2: MIDDLE }));
    svg.append(make("circle", { class: interval ? "dot" : "dot open", cx: at(mean), cy: MIDDLE, r: 3.5 }));
    return svg;
  };
  return { axis, draw };
})();
