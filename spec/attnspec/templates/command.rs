//! scores.scaled_dot as a program of its own: rustc --edition 2021 -O command.rs -o kernel
//! attnspec verify command:./kernel --as scores.scaled_dot --claim batch=0
use std::{fs, io, io::Write};

/// The text between two others, from the first place of a third on.
fn between<'a>(line: &'a str, from: &str, start: &str, end: &str) -> Option<&'a str> {
    let rest = &line[line.find(from)?..];
    let rest = &rest[rest.find(start)? + start.len()..];
    Some(&rest[..rest.find(end)?])
}

/// The rows, columns and values of the input of a name.
fn input(line: &str, name: &str) -> Option<(usize, usize, Vec<f32>)> {
    let key = format!("\"name\":\"{name}\"");
    let shape: Vec<usize> =
        between(line, &key, "\"shape\":[", "]")?.split(',').filter_map(|size| size.parse().ok()).collect();
    let folder = between(line, "\"folder\"", "\"folder\":\"", "\"")?;
    let bytes = fs::read(format!("{folder}/{}", between(line, &key, "\"file\":\"", "\"")?)).ok()?;
    let data = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    (shape.len() == 2).then(|| (shape[0], shape[1], data))
}

fn answer(line: &str) -> Option<String> {
    let ((n, d, q), (m, _, k)) = (input(line, "q")?, input(line, "k")?);
    let mut bytes = Vec::new();
    for i in 0..n {
        for j in 0..m {
            let sum: f32 = (0..d).map(|c| q[i * d + c] * k[j * d + c]).sum();
            bytes.extend((sum / (d as f32).sqrt()).to_le_bytes());
        }
    }
    fs::write(format!("{}/out", between(line, "\"folder\"", "\"folder\":\"", "\"")?), bytes).ok()?;
    Some(format!("\"outputs\":[{{\"dtype\":\"float32\",\"shape\":[{n},{m}],\"file\":\"out\"}}]"))
}

fn main() {
    println!("{{\"attnspec\":1,\"parameters\":[\"q\",\"k\"],\"dtype\":\"float32\"}}");
    for line in io::stdin().lines().map_while(Result::ok) {
        let call = between(&line, "\"call\"", "\"call\":", ",").unwrap_or("0");
        let result = answer(&line).unwrap_or_else(|| "\"error\":\"q and k have two axes\"".to_string());
        println!("{{\"call\":{call},{result}}}");
        io::stdout().flush().unwrap();
    }
}
