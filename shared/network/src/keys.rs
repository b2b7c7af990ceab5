//! Shapes of this area's keys.

use aws::{Item, Key, text};
use foundation::id::{LoadId, PersonId};

use crate::{
    country::Country,
    person::{Document, Person},
};

/// The index of the people under one parent, oldest first.
pub(crate) const CHILDREN: &str = "children";

pub(crate) fn person(id: &PersonId) -> Key {
    Key::new(format!("PERSON#{id}"), "PERSON")
}

/// Holds a document for one person.
pub(crate) fn document(country: Country, document: &Document) -> Key {
    Key::new(format!("DOCUMENT#{}#{}#{}", country.code(), document.r#type, document.number), "DOCUMENT")
}

/// Holds an e-mail address for one person.
pub(crate) fn email(address: &str) -> Key {
    Key::new(format!("EMAIL#{address}"), "EMAIL")
}

/// Holds the name of a public page for one person.
pub(crate) fn slug(slug: &str) -> Key {
    Key::new(format!("SLUG#{slug}"), "SLUG")
}

/// Holds the place at the top for one person.
pub(crate) fn root() -> Key {
    Key::new("ROOT", "ROOT")
}

pub(crate) fn load(id: &LoadId) -> Key {
    Key::new(format!("LOAD#{id}"), "LOAD")
}

/// The partition of the index with the people under `parent`.
pub(crate) fn children(parent: &PersonId) -> String {
    format!("PERSON#{parent}")
}

/// Adds the keys of the index. The root is nobody's child and stays out of it.
pub(crate) fn index(person: &Person, mut item: Item) -> Item {
    if let Some(parent) = &person.parent {
        item.insert("childrenpk".to_owned(), text(children(parent)));
        item.insert("childrensk".to_owned(), text(format!("{}#{}", person.joined_on, person.id)));
    }
    item
}
