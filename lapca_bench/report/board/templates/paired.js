// The paired t-test of lapca_bench/scoring/significance.py, for two systems on the queries that are shown; a test compares the two.
"use strict";
const PAIRED = (() => {
  const logGamma = (x) => { // Stirling's series, after raising x to where it is exact enough
    let shift = 0;
    for (; x < 12; x += 1) shift -= Math.log(x);
    const z = 1 / (x * x);
    return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / x;
  };
  const betaTail = (x, a, b) => { // the continued fraction of the regularised incomplete beta function, by Lentz's method
    if (x <= 0) return 0;
    if (x > (a + 1) / (a + b + 2)) return 1 - betaTail(1 - x, b, a);
    const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
    let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
    for (let m = 1; m < 300; m += 1) {
      for (const step of [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]) {
        d = 1 / (1 + step * d);
        c = 1 + step / c;
        value *= c * d;
      }
      if (Math.abs(c * d - 1) < 1e-14) break;
    }
    return front * value;
  };
  const twoSided = (t, freedom) => (1 - t * t / (freedom + t * t) <= 0 ? 0 : betaTail(freedom / (freedom + t * t), freedom / 2, 0.5));
  const quantile = (level, freedom) => { // the t that leaves 1 - level outside
    let low = 0, high = 1;
    while (twoSided(high, freedom) > 1 - level) high *= 2;
    for (let i = 0; i < 60; i += 1) { const middle = (low + high) / 2; if (twoSided(middle, freedom) > 1 - level) low = middle; else high = middle; }
    return high;
  };
  // Differences as {value, language, observation}: languages count alike, and translations of a query are one observation.
  const test = (differences) => {
    const sizes = new Map();
    for (const { language } of differences) sizes.set(language, (sizes.get(language) ?? 0) + 1);
    const sums = new Map();
    for (const { value, language, observation } of differences) {
      sums.set(observation, (sums.get(observation) ?? 0) + value / (sizes.size * sizes.get(language)));
    }
    const n = sums.size, values = [...sums.values()].map((sum) => sum * n);
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    if (n < 2) return { n, mean, p: null, interval: null };
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1) / n);
    if (spread < 1e-12) return { n, mean, p: Math.abs(mean) < 1e-12 ? 1 : 0, interval: [mean, mean] };
    const reach = quantile(0.95, n - 1) * spread;
    return { n, mean, p: twoSided(mean / spread, n - 1), interval: [mean - reach, mean + reach] };
  };
  return { test };
})();
