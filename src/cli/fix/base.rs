//! What `docker inspect` prints of an image or a container.

use std::{
    io::{self, Read},
    path::Path,
};

use serde_json::Value;

use crate::{
    cli::Trouble,
    file::{self, Opened},
    fix::Image,
};

/// No image that was seen has a tenth of it.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Reads the words that the image starts with.
pub(super) fn read(path: &Path) -> Result<Image, Trouble> {
    let failed = |error| Trouble::File(path.to_owned(), error);
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(LIMIT + 1).read_to_string(&mut text)
    } else {
        match file::open(path).map_err(failed)? {
            Opened::File(file, _) => file.take(LIMIT + 1).read_to_string(&mut text),
            Opened::Directory(_) => return Err(failed(io::Error::other("is a directory"))),
        }
    };
    read.map_err(failed)?;
    if text.len() as u64 > LIMIT {
        return Err(failed(io::Error::other("is too large")));
    }
    of(&text).ok_or_else(|| failed(io::Error::other("is not what docker inspect prints")))
}

/// The first object of the list.
fn of(text: &str) -> Option<Image> {
    let tree: Value = serde_json::from_slice(text.as_bytes()).ok()?;
    let first = tree.as_array().map_or(Some(&tree), |list| list.first())?;
    let config = first.get("Config")?.as_object()?;
    let words = |key: &str| -> Vec<String> {
        let list = config.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let tags = first.get("RepoTags").and_then(Value::as_array).and_then(|tags| tags.first());
    let name = tags.or_else(|| config.get("Image")).and_then(Value::as_str);
    Some(Image {
        name: name.filter(|name| !name.is_empty() && is_name(name)).map(str::to_owned),
        entrypoint: words("Entrypoint"),
        command: words("Cmd"),
    })
}

/// What a Dockerfile's FROM takes as one word.
fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_and_a_container_are_read() {
        let image =
            r#"[{"RepoTags": ["ci:1"], "Config": {"Entrypoint": ["/a", "b c"], "Cmd": null}}]"#;
        let image = of(image).unwrap();
        assert_eq!((image.name.as_deref(), image.entrypoint.len()), (Some("ci:1"), 2));
        let container =
            r#"[{"Config": {"Image": "x\nRUN evil", "Cmd": ["make"], "Entrypoint": null}}]"#;
        let container = of(container).unwrap();
        assert_eq!((container.name, container.command), (None, vec!["make".to_owned()]));
        assert_eq!(of("[]"), None);
        assert_eq!(of("{}"), None);
    }
}
