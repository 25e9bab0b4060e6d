//! Check a kernel against vectors of attnspec: rustc --edition 2021 -O check.rs && ./check FOLDER. kernel.rs has the kernel.
use std::{collections::HashMap, env, fs, process::exit};

mod kernel;

/// An array of doubles that hold the values of any dtype exactly; an option has no axes.
#[derive(Clone, Default)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

fn die(text: &str) -> ! {
    eprintln!("{text}");
    exit(2)
}

/// The array of a .npy file, version 1.0.
fn load(path: &str) -> Array {
    let bytes = fs::read(path).unwrap_or_else(|error| die(&format!("cannot read {path}: {error}")));
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_else(|| die(&format!("not an .npy file: {path}")));
    let start = 10 + u16::from_le_bytes(part(8, 10).try_into().unwrap()) as usize;
    let head = String::from_utf8_lossy(part(10, start)).to_string();
    let after = |key: &str| head.split(key).nth(1).unwrap_or_else(|| die(&format!("not an .npy file: {path}"))).to_string();
    let (shape, dtype) = (after("'shape': ("), after("'descr': '"));
    let shape = shape.split(')').next().unwrap();
    let shape: Vec<usize> = shape.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let body = &bytes[start..];
    let data: Vec<f64> = match dtype.split('\'').next().unwrap() {
        "<f8" => body.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        "<f4" => body.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        "<i8" => body.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        "|b1" => body.iter().map(|b| *b as f64).collect(),
        other => die(&format!("{path}: this checker does not read {other}")),
    };
    if data.len() != shape.iter().product() {
        die(&format!("a short file: {path}"));
    }
    Array { shape, data }
}

/// The value of an option.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or((text == "True") as u8 as f64)
}

fn main() {
    let folder = env::args().nth(1).unwrap_or_else(|| die("usage: check FOLDER"));
    let path = format!("{folder}/vectors.tsv");
    let table = fs::read_to_string(&path).unwrap_or_else(|error| die(&format!("cannot read {path}: {error}")));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let mut answers: HashMap<(&str, &str), (Array, Array)> = HashMap::new();
    let (mut wrong, mut outputs) = (0, 0);
    for id in rows.iter().filter(|row| row[0] == "case").map(|row| row[1]) {
        let of_case = |kind: &str| rows.iter().filter(move |row| row[0] == kind && row[1] == id).collect::<Vec<_>>();
        if of_case("output").is_empty() {
            continue;
        }
        let mut inputs: HashMap<&str, Array> = HashMap::new();
        for row in of_case("input") {
            inputs.insert(row[2], load(&format!("{folder}/{}", row[3])));
        }
        for row in of_case("option") {
            inputs.insert(row[2], Array { shape: vec![], data: vec![number(row[3])] });
        }
        let mut results = kernel::kernel(&inputs).into_iter();
        for row in of_case("output") {
            let got = results.next().unwrap_or_default();
            let expected = load(&format!("{folder}/{}", row[3]));
            let bound = load(&format!("{folder}/{}", row[4]));
            if got.shape != expected.shape || got.data.len() != expected.data.len() {
                println!("wrong: case {id}, {} has shape {:?}, expected {:?}", row[2], got.shape, expected.shape);
                wrong += 1;
                outputs += 1;
                continue;
            }
            outputs += 1;
            let bad = (0..got.data.len()).find(|&i| !((got.data[i] - expected.data[i]).abs() <= bound.data[i]));
            if let Some(i) = bad {
                let (value, right, limit) = (got.data[i], expected.data[i], bound.data[i]);
                println!("wrong: case {id}, {}[{i}] = {value}, expected {right} ± {limit:.2e}", row[2]);
                wrong += 1;
            }
            answers.insert((id, row[2]), (got, bound));
        }
    }
    if outputs == 0 {
        die(&format!("no case in {path}"));
    }
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| wrong > 0 && row[0] == "mistake") {
        let agrees = rows[place + 1..].iter().take_while(|each| each[0] == "witness").all(|each| {
            let Some((got, bound)) = answers.get(&(each[1], each[2])) else { return false };
            let (i, value): (usize, f64) = (each[3].parse().unwrap(), each[4].parse().unwrap());
            (got.data[i].is_nan() && value.is_nan()) || (got.data[i] - value).abs() <= 8.0 * bound.data[i]
        });
        if agrees {
            println!("this is the mistake: {}", row[3]);
        }
    }
    let verdict = if wrong > 0 { "differs" } else { "conforms" };
    println!("{verdict}: {} of {outputs} outputs are right", outputs - wrong);
    exit((wrong > 0) as i32);
}
