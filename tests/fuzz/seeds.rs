//! Writes the inputs to begin with: `seeds DIRECTORY TARGET…`, each into a directory of its target's name.

use std::{env, fs, path::Path};

fn main() {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().expect("a directory");
    for name in arguments {
        let target = dind_doctor_fuzz::TARGETS.iter().find(|target| target.name == name);
        let path = Path::new(&directory).join(&name);
        fs::create_dir_all(&path).unwrap();
        for (number, seed) in (target.expect("a target of this name").seeds)().iter().enumerate() {
            fs::write(path.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}
