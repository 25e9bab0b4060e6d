//! scores.scaled_dot in float32
use crate::Array;
use std::collections::HashMap;

pub fn kernel(inputs: &HashMap<&str, Array>) -> Vec<Array> {
    let (q, k) = (&inputs["q"], &inputs["k"]);
    let (n, d, m) = (q.shape[0], q.shape[1], k.shape[0]);
    let mut data = vec![0.0; n * m];
    for i in 0..n {
        for j in 0..m {
            let sum: f32 = (0..d).map(|c| q.data[i * d + c] as f32 * k.data[j * d + c] as f32).sum();
            data[i * m + j] = (sum / (d as f32).sqrt()) as f64;
        }
    }
    vec![Array { shape: vec![n, m], data }]
}
