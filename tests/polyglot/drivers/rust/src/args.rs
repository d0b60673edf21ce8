//! The arguments of a command.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stillframe::Timestamp;

use crate::failure::Failure;

pub type Read<T> = Result<T, Failure>;

/// An object whose members are read by name; null is unset.
pub struct Args<'a>(Option<&'a Value>);

impl<'a> Args<'a> {
    pub fn new(object: Option<&'a Value>) -> Self {
        Self(object)
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.0
            .and_then(|object| object.get(name))
            .filter(|value| !value.is_null())
    }

    /// The object under a name.
    pub fn object(&self, name: &str) -> Option<Args<'a>> {
        self.get(name).map(|object| Args(Some(object)))
    }

    pub fn text(&self, name: &str) -> Read<Option<String>> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    pub fn required(&self, name: &str) -> Read<String> {
        self.text(name)?
            .ok_or_else(|| Failure::driver(format!("{name} is missing")))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Read<Option<u64>> {
        self.get(name).map(|value| number(name, value)).transpose()
    }

    pub fn page_size(&self) -> Read<u32> {
        let size = self.number("page_size")?.unwrap_or_default();
        u32::try_from(size).map_err(|error| Failure::driver(error.to_string()))
    }

    pub fn seconds(&self, name: &str) -> Read<Option<Duration>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().ok_or_else(|| wrong(name))?;
        Duration::try_from_secs_f64(seconds)
            .map(Some)
            .map_err(|_| wrong(name))
    }

    pub fn time(&self, name: &str) -> Read<Option<Timestamp>> {
        let parse = |text: String| text.parse().map_err(|_| wrong(name));
        self.text(name)?.map(parse).transpose()
    }

    pub fn bytes(&self, name: &str) -> Read<Vec<u8>> {
        let text = self.text(name)?.unwrap_or_default();
        STANDARD.decode(text).map_err(|_| wrong(name))
    }

    pub fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&str, &Value) -> Read<T>,
    ) -> Read<Option<Vec<T>>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let items = value.as_array().ok_or_else(|| wrong(name))?;
        items
            .iter()
            .map(|item| read(name, item))
            .collect::<Read<_>>()
            .map(Some)
    }

    pub fn texts(&self, name: &str) -> Read<Option<Vec<String>>> {
        self.list(name, text)
    }

    pub fn map<T>(
        &self,
        name: &str,
        read: impl Fn(&str, &Value) -> Read<T>,
    ) -> Read<Option<BTreeMap<String, T>>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let members = value.as_object().ok_or_else(|| wrong(name))?;
        let member = |(key, value): (&String, &Value)| Ok((key.clone(), read(key, value)?));
        members.iter().map(member).collect::<Read<_>>().map(Some)
    }
}

pub fn text(name: &str, value: &Value) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(name))
}

pub fn number(name: &str, value: &Value) -> Read<u64> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.or_else(|| value.as_u64()).ok_or_else(|| wrong(name))
}

pub fn wrong(name: &str) -> Failure {
    Failure::driver(format!("{name} is not in the notation"))
}
