//! Key shapes of live indicators in the area's table.
//!
//! | what | pk | sk |
//! | --- | --- | --- |
//! | indicators of a person in a cycle | `LIVE#<cycle>#<person>` | `LIVE` |
//! | marker of what was applied | `APPLIED#<fact>` | `CHUNK#<chunk>` |

use aws::Key;

use super::batch::{Marker, Target};

pub(crate) fn indicators(target: &Target) -> Key {
    Key::new(format!("LIVE#{}#{}", target.cycle, target.person), "LIVE")
}

pub(crate) fn marker(marker: &Marker) -> Key {
    Key::new(format!("APPLIED#{}", marker.fact), format!("CHUNK#{}", marker.chunk))
}
