//! Passwords that stand in no URL, and are looked up anew whenever a server is dialled.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A password, or the file that has it. It is not shown: there is no `Debug` of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    variable: &'static str,
    kept: Kept,
}

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    Here(String),
    InFile(PathBuf),
}

/// Where a server is, and the password that its URL does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Its URL. It may have a password, too, if it is the same.
    pub url: String,
    /// The password.
    pub password: Option<Password>,
}

impl Password {
    /// The password that a setting has, or else the file that `…_FILE` names. `variable` is the setting's, as people know it.
    pub fn given(variable: &'static str, set: Option<&str>, file: Option<&Path>) -> Option<Self> {
        let kept = set.map(|set| Kept::Here(set.to_owned())).or_else(|| file.map(|file| Kept::InFile(file.to_owned())));
        kept.map(|kept| Self { variable, kept })
    }

    /// The password as it is now. Of a file the ends of lines at its end are none of it.
    ///
    /// # Errors
    /// Which file cannot be read or is empty.
    pub fn read(&self) -> Result<String, String> {
        let path = match &self.kept {
            Kept::Here(password) => return Ok(password.clone()),
            Kept::InFile(path) => path,
        };
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", self.shown()))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{}: it is empty, and a password is expected", self.shown())),
            password => Ok(password.to_owned()),
        }
    }

    /// Which setting it is of, for people: nothing of the password.
    pub fn shown(&self) -> String {
        match &self.kept {
            Kept::Here(_) => self.variable.to_owned(),
            Kept::InFile(path) => {
                // As a variable of the environment, or as an option of a URL.
                let file = if self.variable.contains('-') { "-file" } else { "_FILE" };
                format!("{}{file}={}", self.variable, path.display())
            }
        }
    }

    /// Makes sure that it can be read, and that the URL has no other.
    ///
    /// # Errors
    /// Which file cannot be read, or that there are two.
    pub fn agrees(&self, in_url: Option<&[u8]>) -> Result<(), String> {
        let password = self.read()?;
        match in_url {
            Some(other) if other != password.as_bytes() => {
                Err(format!("its URL has a password, and {} another one: take it out of the URL", self.shown()))
            }
            _ => Ok(()),
        }
    }
}

impl From<&str> for Place {
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), password: None }
    }
}

impl From<&String> for Place {
    fn from(url: &String) -> Self {
        url.as_str().into()
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whenever_it_is_asked_for_and_named_where_it_cannot_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let password = Password::given("HUBBUB_X", None, Some(&path)).unwrap();
        let missing = password.read().unwrap_err();
        assert!(missing.starts_with(&format!("HUBBUB_X_FILE={}: ", path.display())), "{missing}");
        for kept in ["one", "two\n", "th ree\r\n"] {
            fs::write(&path, kept).unwrap();
            assert_eq!(password.read().unwrap(), kept.trim_end());
        }
        fs::write(&path, "\n").unwrap();
        assert!(password.read().unwrap_err().ends_with("it is empty, and a password is expected"));
    }

    #[test]
    fn two_passwords_are_one_too_many() {
        let password = Password::given("HUBBUB_X", Some("hush"), None).unwrap();
        assert!(password.agrees(None).is_ok() && password.agrees(Some(b"hush")).is_ok());
        let said = password.agrees(Some(b"hush-hush")).unwrap_err();
        assert!(said.contains("HUBBUB_X another one") && !said.contains("hush"), "{said}");
        assert!(Password::given("HUBBUB_X", None, None).is_none());
    }
}
