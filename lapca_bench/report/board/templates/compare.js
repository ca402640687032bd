// Query by query: the scores and first documents of one system, or of two side by side with who won where and by how much.
"use strict";
(() => {
  const source = document.getElementById("queries-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const PAGE = 50, NEAR = 1e-9, WIDTH = 760, HEIGHT = 120;
  const part = (name) => document.getElementById(`q-${name}`);
  const DEFAULTS = { a: data.systems[0].key, b: data.systems[1]?.key ?? "", m: data.measures[0], only: "", lang: "", q: "", p: "0" };
  let state = { ...DEFAULTS };
  const system = (key) => data.systems.find((one) => one.key === key);
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
    if (!system(state.a)) state.a = DEFAULTS.a;
    if (state.b && !system(state.b)) state.b = DEFAULTS.b;
  };
  const address = () => `#${new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key] || key === "a" || key === "b"))}`;
  const named = (id, text) => { // the text where it is known, its id below
    const made = node("span");
    if (text) made.append(node("bdi", text), node("span", id, "id")); else made.textContent = id;
    return made;
  };
  const ranking = (one, query) => {
    const list = node("ol");
    for (const d of one.top[query]) {
      const relevant = data.relevant && data.relevant[query].includes(d);
      const item = node("li", undefined, relevant ? "relevant" : "");
      item.append(named(data.documents[d], data.snippets && data.snippets[d]));
      if (relevant) item.append(node("span", " (relevant)", "visually-hidden"));
      list.append(item);
    }
    return list;
  };
  const percent = (value) => (value * 100).toFixed(1);
  const signed = (value) => (value > 0 ? "+" : "") + percent(value);
  const draw = (values, base, most, up) => { // a bar per query, from the base line up or down
    const svg = part("waterfall");
    svg.replaceChildren();
    const make = (name, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      svg.append(made);
    };
    const sorted = [...values].sort((a, b) => b - a), step = WIDTH / Math.max(1, sorted.length), reach = Math.max(base, HEIGHT - base) - 4;
    const path = (keep) => sorted.map((d, i) => (keep(d) ? `M${(i * step).toFixed(2)} ${base}v${(-d / most * reach).toFixed(2)}h${step.toFixed(3)}V${base}z` : "")).join("");
    make("path", { d: path((d) => d > NEAR), class: up });
    make("path", { d: path((d) => d < -NEAR), class: "loss" });
    make("line", { x1: 0, x2: WIDTH, y1: base, y2: base, class: "axis" });
  };
  const show = () => {
    const a = system(state.a), b = system(state.b), pair = b !== undefined;
    document.querySelectorAll(".versus-only").forEach((element) => { element.hidden = !pair; });
    const one = a.scores[state.m], other = pair ? b.scores[state.m] : null;
    const all = data.queries.map((_, i) => ({ i, d: one[i] === null ? null : !pair ? one[i] : other[i] === null ? null : one[i] - other[i] }))
      .filter(({ i, d }) => d !== null && (!state.lang || data.languages[i] === state.lang));
    const wins = all.filter(({ d }) => d > NEAR).length, losses = all.filter(({ d }) => d < -NEAR).length;
    const { n: apart, mean, p, interval } = PAIRED.test(all.map(({ i, d }) => ({ value: d, language: data.languages[i], observation: data.observations[i] })));
    part("wins").textContent = wins;
    part("losses").textContent = losses;
    part("ties").textContent = all.length - wins - losses;
    part("mean-name").textContent = pair ? "mean difference" : "mean";
    part("mean").textContent = !all.length ? "–" : pair ? signed(mean) : percent(mean);
    part("interval").textContent = pair && interval ? `[${interval.map(signed).join(", ")}]` : "";
    part("p").textContent = p === null || !all.length ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3);
    part("n").textContent = apart;
    part("names").textContent = `${a.name}${pair ? ` against ${b.name}` : ""}, ${state.m}, ${all.length} queries${apart < all.length ? `, ${apart} observations (translations of a query are one)` : ""}`;
    part("caption").textContent = pair ? "Difference of every query, largest win of A first" : "Score of every query, best first";
    const values = all.map(({ d }) => d);
    if (pair) draw(values, HEIGHT / 2, Math.max(NEAR, ...values.map(Math.abs)), "win"); else draw(values, HEIGHT - 4, Math.max(1, ...values), "bar");
    const text = state.q.trim().toLowerCase(), only = pair ? state.only : "";
    const kept = all.filter(({ i, d }) => (only === "wins" ? d > NEAR : only === "losses" ? d < -NEAR : only === "ties" ? Math.abs(d) <= NEAR : true)
      && (!text || data.queries[i].toLowerCase().includes(text) || (data.texts && data.texts[i].toLowerCase().includes(text))))
      .sort((x, y) => (pair ? Math.abs(y.d) - Math.abs(x.d) : x.d - y.d) || x.i - y.i); // the most telling first: large differences, low scores
    const pages = Math.max(1, Math.ceil(kept.length / PAGE)), page = Math.min(Math.max(0, Number(state.p) || 0), pages - 1);
    const body = part("rows");
    body.replaceChildren();
    const several = new Set(data.languages).size > 1;
    part("lang-head").hidden = !several;
    for (const { i, d } of kept.slice(page * PAGE, (page + 1) * PAGE)) {
      const row = node("tr"), head = node("th");
      head.scope = "row";
      head.append(named(data.queries[i], data.texts && data.texts[i]));
      row.append(head);
      if (several) row.append(node("td", data.languages[i]));
      row.append(node("td", percent(one[i]), "num"));
      if (pair) row.append(node("td", percent(other[i]), "num"), node("td", signed(d), `num ${d > NEAR ? "win" : d < -NEAR ? "loss" : ""}`));
      for (const side of pair ? [a, b] : [a]) { const cell = node("td"); cell.append(ranking(side, i)); row.append(cell); }
      body.append(row);
    }
    part("a-top").textContent = a.name;
    part("b-top").textContent = pair ? b.name : "";
    part("page").textContent = `${kept.length} queries, page ${page + 1} of ${pages}`;
    part("back").disabled = page === 0;
    part("next").disabled = page >= pages - 1;
    part("swap").disabled = !pair;
    for (const key of ["a", "b", "m", "only", "lang", "q"]) if (part(key).value !== state[key]) part(key).value = state[key];
    state.p = String(page);
  };
  const set = (changes) => {
    Object.assign(state, { p: "0" }, changes);
    show();
    history.replaceState(null, "", address());
  };
  for (const key of ["a", "b", "m", "only", "lang"]) part(key).addEventListener("change", (event) => set({ [key]: event.target.value }));
  part("q").addEventListener("input", (event) => set({ q: event.target.value }));
  part("swap").addEventListener("click", () => set({ a: state.b, b: state.a }));
  part("back").addEventListener("click", () => set({ p: String(Number(state.p) - 1) }));
  part("next").addEventListener("click", () => set({ p: String(Number(state.p) + 1) }));
  part("sibling")?.addEventListener("change", (event) => { location.href = `${event.target.value}.html${address()}`; });
  window.addEventListener("hashchange", () => { read(); show(); });
  read();
  document.querySelectorAll(".needs-script").forEach((element) => { element.hidden = false; });
  show();
  if (location.hash) document.getElementById("side").scrollIntoView();
})();
