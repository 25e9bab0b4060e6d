// scores.scaled_dot in float32
"use strict";

module.exports = ({ q, k }) => {
  const [[n, d], [m]] = [q.shape, k.shape];
  const e = new Float32Array(n * m);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum = Math.fround(sum + Math.fround(q.data[i * d + c] * k.data[j * d + c]));
      e[i * m + j] = sum / Math.fround(Math.sqrt(d));
    }
  return { e };
};
