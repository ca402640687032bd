// Two systems side by side, query by query: who won where, by how much, and what each ranked first.
"use strict";
(() => {
  const source = document.getElementById("queries-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const PAGE = 50, NEAR = 1e-9;
  const part = (name) => document.getElementById(`q-${name}`);
  const DEFAULTS = { a: data.systems[0].key, b: data.systems[1].key, m: data.measures[0], only: "", lang: "", q: "", p: "0" };
  let state = { ...DEFAULTS };
  const system = (key, fallback) => data.systems.find((one) => one.key === key) ?? data.systems[fallback];
  const node = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    state = { ...DEFAULTS };
    for (const key of Object.keys(DEFAULTS)) if (given.has(key)) state[key] = given.get(key);
    if (!data.measures.includes(state.m)) state.m = DEFAULTS.m;
  };
  const ranking = (one, query) => {
    const list = node("ol");
    for (const d of one.top[query]) {
      const relevant = data.relevant && data.relevant[query].includes(d);
      const item = node("li", data.documents[d], relevant ? "relevant" : "");
      if (relevant) item.append(node("span", " (relevant)", "visually-hidden"));
      list.append(item);
    }
    return list;
  };
  const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(3);
  const waterfall = (differences) => {
    const svg = part("waterfall");
    svg.replaceChildren();
    const sorted = differences.map((one) => one.d).sort((a, b) => b - a), width = 760, half = 60;
    const make = (name, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      svg.append(made);
      return made;
    };
    const most = Math.max(NEAR, ...sorted.map(Math.abs)), step = width / Math.max(1, sorted.length);
    const path = (keep) => sorted.map((d, i) => (keep(d) ? `M${(i * step).toFixed(2)} ${half}v${(-d / most * (half - 4)).toFixed(2)}h${step.toFixed(3)}V${half}z` : "")).join("");
    make("path", { d: path((d) => d > NEAR), class: "win" });
    make("path", { d: path((d) => d < -NEAR), class: "loss" });
    make("line", { x1: 0, x2: width, y1: half, y2: half, class: "axis" });
  };
  const show = () => {
    const a = system(state.a, 0), b = system(state.b, 1);
    const one = a.scores[state.m], other = b.scores[state.m];
    const all = data.queries.map((_, i) => ({ i, d: one[i] === null || other[i] === null ? null : one[i] - other[i] }))
      .filter(({ i, d }) => d !== null && (!state.lang || data.languages[i] === state.lang));
    const wins = all.filter(({ d }) => d > NEAR).length, losses = all.filter(({ d }) => d < -NEAR).length;
    const mean = all.reduce((sum, { d }) => sum + d, 0) / Math.max(1, all.length);
    part("wins").textContent = wins;
    part("losses").textContent = losses;
    part("ties").textContent = all.length - wins - losses;
    part("mean").textContent = signed(mean);
    part("names").textContent = `${a.name} against ${b.name}, ${state.m}, ${all.length} queries`;
    waterfall(all);
    const text = state.q.trim().toLowerCase();
    const kept = all.filter(({ i, d }) => (state.only === "wins" ? d > NEAR : state.only === "losses" ? d < -NEAR : state.only === "ties" ? Math.abs(d) <= NEAR : true)
      && (!text || data.queries[i].toLowerCase().includes(text) || (data.texts && data.texts[i].toLowerCase().includes(text))))
      .sort((x, y) => Math.abs(y.d) - Math.abs(x.d) || x.i - y.i);
    const pages = Math.max(1, Math.ceil(kept.length / PAGE)), page = Math.min(Math.max(0, Number(state.p) || 0), pages - 1);
    const body = part("rows");
    body.replaceChildren();
    for (const { i, d } of kept.slice(page * PAGE, (page + 1) * PAGE)) {
      const row = node("tr");
      const head = node("th", data.queries[i]);
      head.scope = "row";
      if (data.texts) head.append(node("br"), Object.assign(node("bdi", data.texts[i]), { className: "none" }));
      row.append(head, node("td", data.languages[i]), node("td", one[i].toFixed(3), "num"), node("td", other[i].toFixed(3), "num"),
        node("td", signed(d), `num ${d > NEAR ? "win" : d < -NEAR ? "loss" : ""}`));
      for (const side of [a, b]) { const cell = node("td"); cell.append(ranking(side, i)); row.append(cell); }
      body.append(row);
    }
    part("a-head").textContent = a.name;
    part("b-head").textContent = b.name;
    part("a-top").textContent = `first documents of ${a.name}`;
    part("b-top").textContent = `first documents of ${b.name}`;
    part("page").textContent = `${kept.length} queries, page ${page + 1} of ${pages}`;
    part("back").disabled = page === 0;
    part("next").disabled = page >= pages - 1;
    for (const key of ["a", "b", "m", "only", "lang", "q"]) if (part(key).value !== state[key]) part(key).value = state[key];
    state.p = String(page);
  };
  const set = (changes) => {
    Object.assign(state, { p: "0" }, changes);
    show();
    history.replaceState(null, "", `#${new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]))}`);
  };
  for (const key of ["a", "b", "m", "only", "lang"]) part(key).addEventListener("change", (event) => set({ [key]: event.target.value }));
  part("q").addEventListener("input", (event) => set({ q: event.target.value }));
  part("swap").addEventListener("click", () => set({ a: state.b, b: state.a }));
  part("back").addEventListener("click", () => set({ p: String(Number(state.p) - 1) }));
  part("next").addEventListener("click", () => set({ p: String(Number(state.p) + 1) }));
  window.addEventListener("hashchange", () => { read(); show(); });
  read();
  document.querySelectorAll(".needs-script").forEach((element) => { element.hidden = false; });
  show();
  if (location.hash) document.getElementById("side").scrollIntoView();
})();
