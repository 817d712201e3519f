//! Bytes from the machine, as text.

use alloc::{borrow::ToOwned, string::String, sync::Arc};
use core::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeMap};
use serde_json::Value;

/// Text that came from the machine: a path, a name, a line. Bytes that are not UTF-8 are replaced,
/// and the text is flagged. It can hold anything, control characters too: renderers escape it. A copy shares the
/// characters: a node says "tmpfs" ten thousand times.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    text: Arc<str>,
    lossy: bool,
}

impl Text {
    /// Decodes `bytes`, replacing and flagging what is not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match core::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => Self { text: String::from_utf8_lossy(bytes).into(), lossy: true },
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether bytes were replaced.
    pub const fn is_lossy(&self) -> bool {
        self.lossy
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.into(), lossy: false }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text: text.into(), lossy: false }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        (*text.text).to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.text == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self.text == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.lossy {
            let mut map = serializer.serialize_map(Some(2))?;
            map.serialize_entry("text", &*self.text)?;
            map.serialize_entry("lossy", &true)?;
            map.end()
        } else {
            serializer.serialize_str(&self.text)
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(text.into()),
            flagged => match (flagged["text"].as_str(), flagged["lossy"].as_bool()) {
                (Some(text), Some(lossy)) => Ok(Self { text: text.into(), lossy }),
                _ => Err(D::Error::custom("neither a text nor one that is marked as lossy")),
            },
        }
    }
}
