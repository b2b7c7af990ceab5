//! What is written: to the folder of a run, and to the standard output.

use std::{fs, io::Write, path::Path};

use simulation::Manifest;

use crate::failure::{Cause, Failure};

/// The manifest's name in the folder of a run.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The name of the manifest's signature.
pub(crate) const SIGNATURE: &str = "manifest.sig";

/// Writes a file of a run, with the folders it needs.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).map_err(|error| Failure::file(above, &error))?;
    }
    fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))
}

/// Takes the files of an earlier run out of a folder; others stay. The manifest goes first, so that what is left of a run is
/// never taken for a whole one.
pub(crate) fn clear(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(MANIFEST);
    let Ok(bytes) = fs::read(&path) else { return Ok(()) };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
        return Err(Failure::file(&path, &"this is no manifest of a run; the folder is left as it is"));
    };
    let names = manifest.inputs.iter().chain(&manifest.outputs).map(|file| file.name.as_str());
    for name in [MANIFEST, SIGNATURE].into_iter().chain(names.filter(|name| !name.contains(".."))) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file(&path, &error)),
        }
    }
    Ok(())
}

/// Prints on the standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stream = std::io::stdout().lock();
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(|error| Failure::new(Cause::File, format!("standard output: {error}"))),
    }
}
