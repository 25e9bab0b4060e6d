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
    let start = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let head = String::from_utf8_lossy(&bytes[10..start]).to_string();
    let shape = head.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape = shape.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let body = &bytes[start..];
    let data = match head.split("'descr': '").nth(1).unwrap().split('\'').next().unwrap() {
        "<f8" => body.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        "<f4" => body.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        "<i8" => body.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        "|b1" => body.iter().map(|b| *b as f64).collect(),
        other => die(&format!("{path}: this checker does not read {other}")),
    };
    Array { shape, data }
}

/// The value of an option.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or((text == "True") as u8 as f64)
}

fn main() {
    let folder = env::args().nth(1).unwrap_or_else(|| die("usage: check FOLDER"));
    let table = fs::read_to_string(format!("{folder}/vectors.tsv")).unwrap_or_else(|error| die(&error.to_string()));
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let mut answers: HashMap<(&str, &str), (Array, Array)> = HashMap::new();
    let mut wrong = 0;
    for id in rows.iter().filter(|row| row[0] == "case").map(|row| row[1]) {
        let of_case = |kind: &str| rows.iter().filter(move |row| row[0] == kind && row[1] == id).collect::<Vec<_>>();
        let mut inputs: HashMap<&str, Array> = HashMap::new();
        for row in of_case("input") {
            inputs.insert(row[2], load(&format!("{folder}/{}", row[3])));
        }
        for row in of_case("option") {
            inputs.insert(row[2], Array { shape: vec![], data: vec![number(row[3])] });
        }
        let results = kernel::kernel(&inputs);
        for (row, got) in of_case("output").into_iter().zip(results) {
            let expected = load(&format!("{folder}/{}", row[3]));
            let bound = load(&format!("{folder}/{}", row[4]));
            if got.shape != expected.shape {
                die(&format!("case {id}: {} has shape {:?}, expected {:?}", row[2], got.shape, expected.shape));
            }
            let bad = (0..got.data.len()).find(|&i| !((got.data[i] - expected.data[i]).abs() <= bound.data[i]));
            if let Some(i) = bad {
                let (value, right, limit) = (got.data[i], expected.data[i], bound.data[i]);
                println!("wrong: case {id}, {}[{i}] = {value}, expected {right} ± {limit:.2e}", row[2]);
                wrong += 1;
            }
            answers.insert((id, row[2]), (got, bound));
        }
    }
    if answers.is_empty() {
        die("no case in the table");
    }
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| wrong > 0 && row[0] == "mistake") {
        let agrees = rows[place + 1..].iter().take_while(|each| each[0] == "witness").all(|each| {
            let (got, bound) = &answers[&(each[1], each[2])];
            let (i, value): (usize, f64) = (each[3].parse().unwrap(), each[4].parse().unwrap());
            (got.data[i].is_nan() && value.is_nan()) || (got.data[i] - value).abs() <= 8.0 * bound.data[i]
        });
        if agrees {
            println!("this is the mistake: {}", row[3]);
        }
    }
    let verdict = if wrong > 0 { "differs" } else { "conforms" };
    println!("{verdict}: {} of {} outputs are right", answers.len() - wrong, answers.len());
    exit((wrong > 0) as i32);
}
