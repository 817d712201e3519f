//! Finds the doctor's command lines in shell, and in what shell is quoted in.

/// The words after the doctor's name, of each of its calls in `code`.
pub(crate) fn calls(code: &str) -> Vec<Vec<String>> {
    let joined = code.replace("\\\n", " ");
    joined.lines().flat_map(of_line).collect()
}

/// What may stand before a command: a prompt, keys of YAML, keywords of the shell.
const BEFORE: [&str; 8] = ["$", "-", "run:", "if", "!", "then", "sudo", "sh"];

fn of_line(line: &str) -> Vec<Vec<String>> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for words in simple_commands(line) {
        // Copied, not called.
        if matches!(words.first().map(String::as_str), Some("COPY" | "cp" | "install")) {
            continue;
        }
        // A line of another language can have the command in quotes.
        for word in words.iter().filter(|word| word.starts_with("doctor ")) {
            found.extend(of_line(word));
        }
        let begins = words.iter().take_while(|word| BEFORE.contains(&word.as_str())).count();
        let is_call = |at: usize, word: &str| {
            (at == begins && word == "doctor")
                || (word.starts_with(['/', '.'])
                    && word.ends_with("/doctor")
                    && !word.contains(':'))
        };
        let at = words.iter().enumerate().position(|(at, word)| is_call(at, word));
        // docker run --entrypoint /doctor IMAGE ARGUMENTS
        let image = |at: usize| usize::from(at > 0 && words[at - 1] == "--entrypoint");
        found.extend(at.map(|at| words[at + 1 + image(at)..].to_vec()));
    }
    found
}

/// Words between `|`, `&`, `;` and parentheses, without quotes, redirections and comments.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut redirected = false;
    let mut characters = line.chars().chain([' ']);
    while let Some(c) = characters.next() {
        let plain = quote.is_none();
        if quote == Some(c) {
            quote = None;
        } else if plain && "'\"".contains(c) {
            quote = Some(c);
            word.get_or_insert_default();
        } else if plain && c == '\\' {
            word.get_or_insert_default().extend(characters.next());
        } else if plain && c == '#' && word.is_none() {
            break;
        } else if !plain || !(c.is_whitespace() || "|&;()<>".contains(c)) {
            word.get_or_insert_default().push(c);
        } else {
            // Neither the descriptor nor the file of a redirection is a word of the command.
            let ended = word.take().filter(|word| c != '>' || word != "2");
            if let Some(ended) = ended
                && !std::mem::take(&mut redirected)
            {
                commands.last_mut().into_iter().for_each(|words| words.push(ended.clone()));
            }
            redirected |= "<>".contains(c);
            if "|&;()".contains(c) {
                commands.push(Vec::new());
            }
        }
    }
    commands
}

#[test]
fn calls_are_found_where_people_write_them() {
    for (code, want) in [
        ("doctor", "[]"),
        ("$ doctor -q # quiet", r#"["-q"]"#),
        ("doctor facts | jq .x", r#"["facts"]"#),
        ("  - doctor --for kind \\\n  -v", r#"["--for", "kind", "-v"]"#),
        ("sh 'doctor --for kind'", r#"["--for", "kind"]"#),
        ("x && ./doctor -v || true", r#"["-v"]"#),
        ("docker run -v \"$PWD/doctor:/doctor:ro\" i /doctor man >x 2>y", r#"["man"]"#),
        ("docker run --entrypoint /doctor i man", r#"["man"]"#),
        ("doctor --output json=\"a b\"", r#"["--output", "json=a b"]"#),
    ] {
        let want = format!("[{want}]");
        assert_eq!(format!("{:?}", calls(code)), want, "{code}");
    }
    for code in
        ["# doctor x", "COPY --from=doctor /doctor /bin/doctor", "kubectl cp doctor P:/tmp/doctor"]
    {
        assert!(calls(code).is_empty(), "{code}");
    }
}
