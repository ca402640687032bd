// A board: sorting, filtering, columns, means and downloads over the table that is already on the page. Nothing here builds
// HTML: rows are moved and hidden, and text is set as text.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("board-data").textContent);
  const table = document.getElementById("board");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows].map((element, i) => ({ element, i, cells: [...element.cells], ...data.systems[i] }));
  const FIRST = heads.length - data.tasks.length; // columns before the first task
  const RANK = 1, NAME = 2, MEAN = 3;
  const control = (name) => document.getElementById(`c-${name}`);
  const DEFAULTS = { m: data.measures[0], avg: "macro", sort: "mean", dir: "desc", q: "", kind: "", setting: "", origin: "", cols: "", heat: "1", ci: "", zoom: "" };
  const AVERAGES = {
    macro: "Macro: the mean of the shown columns, each language counting alike.",
    micro: "Micro: the mean over all queries, so languages with more queries count more.",
    borda: "Borda: for each shown column, one point per system that is beaten and half a point per tie; points are added. It asks who wins most often, not by how much.",
  };
  let state = { ...DEFAULTS };
  let shown = data.tasks.map((_, t) => t);
  let visible = rows;
  let starts = new Set(); // columns that begin another script than the one before

  const readHash = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    state = { ...DEFAULTS };
    for (const key of Object.keys(DEFAULTS)) if (given.has(key)) state[key] = given.get(key);
    if (!data.measures.includes(state.m)) state.m = DEFAULTS.m;
    if (!(state.avg in AVERAGES)) state.avg = DEFAULTS.avg;
  };
  const writeHash = () => {
    const changed = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
    history.replaceState(null, "", `#${new URLSearchParams(changed)}`);
  };

  // A score is [value, place of its provenance in data.keys, low, high, text if a source printed other digits], or 0.
  const VALUE = 0, KEY = 1, LOW = 2, HIGH = 3, TEXT = 4;
  const score = (row, t) => data.scores[state.m][row.i][t];
  const number = (value) => (value * 100).toFixed(data.digits);
  const full = (row) => shown.length > 0 && shown.every((t) => score(row, t));
  const bordaPoints = () => {
    const contenders = rows.filter(full);
    const points = new Map(contenders.map((row) => [row.i, 0]));
    for (const t of shown) {
      const sorted = contenders.map((row) => score(row, t)[VALUE]).sort((a, b) => a - b);
      const below = (value, orEqual) => { // how many values are smaller (or equal)
        let low = 0, high = sorted.length;
        while (low < high) { const middle = (low + high) >> 1; if (sorted[middle] < value || (orEqual && sorted[middle] === value)) low = middle + 1; else high = middle; }
        return low;
      };
      for (const row of contenders) {
        const value = score(row, t)[VALUE], smaller = below(value, false);
        points.set(row.i, points.get(row.i) + smaller + (below(value, true) - smaller - 1) / 2);
      }
    }
    return points;
  };
  const computeMeans = () => {
    const all = shown.length === data.tasks.length;
    const points = state.avg === "borda" ? bordaPoints() : null;
    for (const row of rows) {
      const standing = data.standings[state.m][row.i];
      row.covered = shown.filter((t) => score(row, t)).length;
      row.interval = null;
      row.printed = false;
      row.mean = null;
      if (points) row.mean = points.get(row.i) ?? null;
      else if (full(row)) {
        const weights = shown.map((t) => (state.avg === "micro" ? data.tasks[t].queries : 1));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        if (!weights.includes(null) && total) row.mean = shown.reduce((sum, t, k) => sum + score(row, t)[VALUE] * weights[k], 0) / total;
        if (all && state.avg === "macro") row.interval = standing.interval;
      }
      if (all && state.avg === "macro" && standing.printed !== null) { row.mean = standing.printed; row.printed = true; }
      row.rank = all && state.avg === "macro" ? standing.rank : null;
    }
  };

  const sortKey = (row) => {
    if (state.sort === "name") return row.name.toLowerCase();
    if (state.sort === "kind" || state.sort === "setting") return row[state.sort];
    if (state.sort === "rank") return row.rank === null ? null : -row.rank;
    if (state.sort === "coverage") return row.covered;
    if (state.sort.startsWith("t")) { const cell = score(row, Number(state.sort.slice(1))); return cell ? cell[VALUE] : null; }
    return row.mean;
  };
  const sortRows = () => {
    const sign = state.dir === "asc" ? 1 : -1;
    const keyed = rows.map((row) => [sortKey(row), row]);
    keyed.sort(([a, one], [b, other]) => {
      if (a === null || b === null) return (a === null) - (b === null) || one.i - other.i; // what is missing comes last
      return (a < b ? -1 : a > b ? 1 : 0) * sign || one.i - other.i;
    });
    if (keyed.some(([, row], place) => body.rows[place] !== row.element)) {
      const sorted = document.createDocumentFragment();
      for (const [, row] of keyed) sorted.append(row.element);
      body.append(sorted);
    }
    heads.forEach((head) => {
      const button = head.querySelector("button");
      if (button) head.setAttribute("aria-sort", button.dataset.sort === state.sort ? (state.dir === "asc" ? "ascending" : "descending") : "none");
    });
    visible = keyed.map(([, row]) => row).filter((row) => !row.element.hidden);
  };
  const filterRows = () => {
    const wanted = state.q.trim().toLowerCase();
    for (const row of rows) {
      row.element.hidden = !((!wanted || row.name.toLowerCase().includes(wanted)) && (!state.kind || row.kind === state.kind)
        && (!state.setting || row.setting === state.setting) && (!state.origin || row.origin === state.origin));
    }
  };
  const chooseColumns = () => {
    const wanted = state.cols ? new Set(state.cols.split(",")) : null;
    shown = data.tasks.map((_, t) => t).filter((t) => !wanted || wanted.has(data.tasks[t].key));
    const keep = new Set(shown);
    data.tasks.forEach((task, t) => {
      const hide = !keep.has(t);
      if (heads[FIRST + t].hidden === hide) return;
      heads[FIRST + t].hidden = hide;
      for (const row of rows) row.cells[FIRST + t].hidden = hide;
    });
  };
  const groupScripts = () => { // the script's name over the first shown column of its group
    table.classList.toggle("strip", shown.length > data.most && state.zoom !== "1");
    starts = new Set(shown.filter((t, k) => k > 0 && data.tasks[t].script && data.tasks[t].script !== data.tasks[shown[k - 1]].script));
    data.tasks.forEach((task, t) => {
      const label = heads[FIRST + t].querySelector(".script");
      const begins = starts.has(t) || (t === shown[0] && task.script);
      const size = begins ? shown.filter((one) => data.tasks[one].script === task.script).length : 0;
      label.textContent = begins ? task.script : "";
      label.className = `script${size === 1 ? " alone" : size < 4 ? " few" : ""}`;
      heads[FIRST + t].classList.toggle("first", starts.has(t));
    });
  };
  const writeCells = () => {
    for (const row of rows) {
      data.tasks.forEach((_, t) => {
        const cell = row.cells[FIRST + t], link = cell.firstElementChild, found = score(row, t);
        const small = cell.querySelector("small");
        if (small) small.remove();
        link.textContent = found ? found[TEXT] ?? number(found[VALUE]) : "–";
        const key = found ? data.keys[found[KEY]] : "";
        if (found) link.href = key.startsWith("c") ? `#${key}` : `../systems/${row.page}.html#${key}`;
        else link.removeAttribute("href");
        if (found && found.length > LOW && found[LOW] !== null && state.ci) addSmall(cell, `[${number(found[LOW])}, ${number(found[HIGH])}]`);
      });
    }
  };
  const addSmall = (cell, text) => {
    const small = document.createElement("small");
    small.textContent = text;
    cell.append(small);
  };
  const writeMeans = () => {
    const axis = DOTS.axis(rows.filter((row) => row.mean !== null).map((row) => [row.mean, row.interval]));
    control("ends").textContent = axis ? (state.avg === "borda" ? axis : axis.map((end) => (end * 100).toFixed(0))).join(" to ") : "";
    for (const row of rows) {
      const mean = row.cells[MEAN];
      mean.textContent = row.mean === null ? "–" : state.avg === "borda" ? String(row.mean) : number(row.mean);
      if (row.printed) addSmall(mean, "printed");
      else if (row.interval) addSmall(mean, `[${number(row.interval[0])}, ${number(row.interval[1])}]`);
      row.cells[RANK].textContent = row.rank ?? "";
      if (row.mean !== null) mean.append(DOTS.draw(axis, row.mean, row.interval));
      row.cells[NAME].querySelector(".covers").textContent = row.covered < shown.length ? `${row.covered}/${shown.length}` : "";
    }
  };
  const decorate = () => { // best, second and heat of every shown column, over the shown rows
    table.classList.toggle("heat", state.heat === "1");
    table.classList.toggle("wide", state.ci === "1");
    for (const t of shown) {
      const values = visible.map((row) => score(row, t)).filter(Boolean).map((cell) => cell[VALUE]);
      const printed = [...new Set(values.map((value) => number(value)))].sort((a, b) => b - a);
      const low = Math.min(...values), span = Math.max(...values) - low;
      for (const row of visible) {
        const cell = row.cells[FIRST + t], found = score(row, t);
        let name = starts.has(t) ? "num first" : "num";
        if (found && span > 0) {
          name += ` h${Math.floor((found[VALUE] - low) / span * 9 + 0.5)}`;
          const text = printed.length > 1 ? number(found[VALUE]) : "";
          name += text === printed[0] ? " best" : text === printed[1] ? " second" : "";
        }
        if (cell.className !== name) cell.className = name;
      }
    }
  };
  const report = () => {
    const complete = visible.filter((row) => row.covered === shown.length).length;
    control("hint").textContent = `${visible.length} of ${rows.length} systems, ${shown.length} of ${data.tasks.length} columns; `
      + `${complete} cover all shown columns, the others have no mean. ${AVERAGES[state.avg]}`
      + (shown.length === data.tasks.length && state.avg === "macro" ? "" : " Ranks are tested for the macro mean of all columns only.");
  };
  const showControls = () => {
    for (const [key, id] of [["m", "measure"], ["avg", "average"], ["q", "search"], ["kind", "kind"], ["setting", "setting"], ["origin", "origin"], ["sort", "sort"]]) {
      const value = key === "sort" && /^t\d/.test(state.sort) ? "" : state[key];
      if (control(id).value !== value) control(id).value = value;
    }
    control("heat").setAttribute("aria-pressed", String(state.heat === "1"));
    control("intervals").setAttribute("aria-pressed", String(state.ci === "1"));
    control("zoom")?.setAttribute("aria-pressed", String(state.zoom === "1"));
    const keep = new Set(shown);
    document.querySelectorAll(".chooser input").forEach((box, t) => { box.checked = keep.has(t); });
  };
  const placeTabStop = () => { // one cell is in the tab order, and it is one that is shown
    for (const link of body.querySelectorAll("a[tabindex='0']")) link.tabIndex = -1;
    for (const row of visible) {
      const t = shown.find((one) => score(row, one));
      if (t === undefined) continue;
      row.cells[FIRST + t].firstElementChild.tabIndex = 0;
      return;
    }
  };
  const refresh = (cells) => {
    chooseColumns();
    groupScripts();
    if (cells) writeCells();
    computeMeans();
    writeMeans();
    filterRows();
    sortRows();
    decorate();
    report();
    showControls();
    placeTabStop();
    fit();
  };
  // A table that fits has the page's own scrolling, so that its head stays in sight; one that does not scrolls sideways.
  const scroller = control("scroller");
  const fit = () => scroller.classList.toggle("fits", table.scrollWidth <= scroller.clientWidth + 1);
  const set = (changes, cells = false) => {
    Object.assign(state, changes);
    refresh(cells);
    writeHash();
  };

  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const key = button.dataset.sort, first = ["name", "kind", "setting"].includes(key) ? "asc" : "desc";
    Object.assign(state, { dir: state.sort === key ? (state.dir === "asc" ? "desc" : "asc") : first, sort: key });
    sortRows();
    showControls();
    writeHash();
  });
  control("sort").addEventListener("change", ({ target: { value } }) => {
    if (value) set({ sort: value, dir: ["name", "kind", "setting"].includes(value) ? "asc" : "desc" });
  });
  control("zoom")?.addEventListener("click", () => set({ zoom: state.zoom === "1" ? "" : "1" }));
  control("measure").addEventListener("change", (event) => set({ m: event.target.value }, true));
  control("average").addEventListener("change", (event) => set({ avg: event.target.value }));
  for (const key of ["kind", "setting", "origin"]) control(key).addEventListener("change", (event) => set({ [key]: event.target.value }));
  control("search").addEventListener("input", (event) => set({ q: event.target.value }));
  control("heat").addEventListener("click", () => set({ heat: state.heat === "1" ? "0" : "1" }));
  control("intervals").addEventListener("click", () => set({ ci: state.ci === "1" ? "" : "1" }, true));
  control("reset").addEventListener("click", () => set({ ...DEFAULTS }, true));
  const chosen = (keys) => set({ cols: keys.length === data.tasks.length ? "" : keys.join(",") || "none" });
  document.querySelector(".chooser").addEventListener("change", () => {
    chosen(data.tasks.filter((_, t) => document.querySelectorAll(".chooser input")[t].checked).map((task) => task.key));
  });
  document.querySelectorAll("[data-script]").forEach((button) => button.addEventListener("click", () => {
    const script = button.dataset.script;
    chosen(data.tasks.filter((task) => !script || task.script === script).map((task) => task.key));
  }));

  // Two measured systems, ticked in the first column, go side by side.
  const pair = control("compare");
  body.addEventListener("change", (event) => {
    const ticked = rows.filter((row) => row.cells[0].querySelector("input:checked"));
    if (ticked.length > 2) { event.target.checked = false; return; }
    const common = ticked.length === 2 ? Object.keys(ticked[0].pages).find((page) => page in ticked[1].pages) : undefined;
    pair.setAttribute("aria-disabled", String(!common));
    if (common) pair.href = `../collections/${common}.html#${new URLSearchParams({ a: ticked[0].pages[common], b: ticked[1].pages[common] })}`;
    else pair.removeAttribute("href");
    pair.textContent = ticked.length === 2 && !common ? "These two share no collection" : "Side by side";
  });

  // Arrow keys move between cells; one cell at a time is in the tab order.
  body.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("td.num");
    if (!step || !cell) return;
    event.preventDefault();
    const row = visible.findIndex((one) => one.element === cell.parentElement);
    const column = shown.indexOf([...cell.parentElement.cells].indexOf(cell) - FIRST);
    const next = visible[row + step[0]]?.cells[FIRST + shown[column + step[1]]]?.firstElementChild;
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  // What a cell says in full, for strips without numbers and for heads that are only codes.
  const readout = control("readout");
  const tell = ({ target }) => {
    const cell = target.closest?.("td.num:not(.mean):not(.rank)"), row = cell && rows.find((one) => one.element === cell.parentElement);
    const t = row ? row.cells.indexOf(cell) - FIRST : -1, found = row && t >= 0 ? score(row, t) : 0;
    readout.hidden = !found;
    if (found) readout.textContent = `${data.tasks[t].title}: ${found[TEXT] ?? number(found[VALUE])}`
      + `${found[LOW] ?? null ? ` [${number(found[LOW])}, ${number(found[HIGH])}]` : ""}, ${row.name}`;
  };
  for (const event of ["pointerover", "focusin"]) body.addEventListener(event, tell);
  for (const event of ["pointerleave", "focusout"]) body.addEventListener(event, () => { readout.hidden = true; });

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); control("search").focus(); }
  });

  // Downloads hold what is shown, at full precision where the format is for programs.
  const view = () => ({ columns: shown.map((t) => data.tasks[t]), rows: visible.map((row) => ({ row, values: shown.map((t) => score(row, t)) })) });
  const { csvField, latexText, latexTable } = EXPORT;
  const FORMATS = {
    csv: () => [["system", "kind", "setting", "origin", "measure", state.avg, ...view().columns.map((task) => task.key)].map(csvField).join(","),
      ...view().rows.map(({ row, values }) => [row.name, row.kind, row.setting, row.origin, state.m].map(csvField)
        .concat(row.mean ?? "", values.map((cell) => (cell ? cell[VALUE] : ""))).join(","))].join("\n") + "\n",
    json: () => JSON.stringify({ title: data.title, split: data.split, measure: state.m, average: state.avg, rows: view().rows.map(({ row, values }) => ({
      system: row.name, kind: row.kind, setting: row.setting, origin: row.origin, rank: row.rank, mean: row.mean,
      tasks: Object.fromEntries(view().columns.map((task, k) => [task.key, values[k] ? values[k][VALUE] : null])) })) }, null, 2) + "\n",
    tex: () => {
      const marked = (row, k, text) => { // best bold, second underlined, as in the table
        const style = row.cells[FIRST + shown[k]].classList;
        return style.contains("best") ? `\\textbf{${text}}` : style.contains("second") ? `\\underline{${text}}` : text;
      };
      return latexTable(["% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}", "\\begin{table}", "\\centering", `\\caption{${latexText(`${data.title}: ${state.m}`)}}`,
        `\\begin{tabular}{ll${"r".repeat(shown.length + 1)}}`, "\\toprule",
        ["System", "Origin", latexText(state.avg), ...view().columns.map((task) => latexText(task.label))].join(" & ") + " \\\\", "\\midrule",
        ...view().rows.map(({ row, values }) => [latexText(row.name), row.origin, row.mean === null ? "--" : state.avg === "borda" ? row.mean : number(row.mean),
          ...values.map((cell, k) => (cell ? marked(row, k, number(cell[VALUE])) : "--"))].join(" & ") + " \\\\"),
        "\\bottomrule", "\\end{tabular}", "\\end{table}", ""].join("\n"));
    },
  };
  document.querySelectorAll("[data-download]").forEach((button) => button.addEventListener("click", () => {
    const form = button.dataset.download;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([FORMATS[form]()], { type: "text/plain" }));
    link.download = `${data.name}.${form}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }));

  window.addEventListener("hashchange", () => { if (!/^#([cr][-\d]|measured-|reported-)/.test(location.hash)) { readHash(); refresh(true); } });
  if (/^#([cr][-\d]|measured-|reported-)/.test(location.hash)) state = { ...DEFAULTS }; else readHash();
  document.querySelectorAll(".needs-script").forEach((element) => { element.hidden = false; });
  if (Object.keys(DEFAULTS).some((key) => state[key] !== DEFAULTS[key])) refresh(state.m !== DEFAULTS.m || state.ci === "1");
  else { // the page was written in this state
    computeMeans();
    starts = new Set(data.tasks.map((_, t) => t).filter((t) => heads[FIRST + t].classList.contains("first")));
    report();
    fit();
  }
  window.addEventListener("resize", fit);
})();
