//! Names as people in the company's countries bear them, put together at random.

use super::random::Random;

#[rustfmt::skip] // One name per line would be two screens.
const GIVEN: [&str; 72] = [
    "Sofía", "Valentina", "Camila", "Mariana", "Luisa", "Daniela", "Paula", "Carolina", "Andrea",
    "Natalia", "Gloria", "Martha", "Claudia", "Patricia", "Lucía", "Isabel", "Ángela", "Diana",
    "Adriana", "Catalina", "Rosa", "Beatriz", "Yolanda", "Esperanza", "Milena", "Juliana", "Verónica",
    "Ximena", "Teresa", "Elena", "Irene", "Mónica", "Lorena", "Pilar", "Consuelo", "Amparo", "Marcela",
    "Liliana", "Inés", "Raquel", "Santiago", "Mateo", "Andrés", "Felipe", "Sebastián", "Camilo",
    "Julián", "Ricardo", "Héctor", "Óscar", "Jorge", "Álvaro", "Hernán", "Mauricio", "Fabio", "Germán",
    "Iván", "Rodrigo", "Tomás", "Emilio", "Nicolás", "Esteban", "Joaquín", "Rubén", "Gabriel", "Simón",
    "Leonardo", "Wilson", "Édgar", "Nelson", "Ramiro", "Vicente",
];

#[rustfmt::skip] // One name per line would be two screens.
const SURNAMES: [&str; 80] = [
    "Rojas", "Gómez", "Martínez", "Castro", "Vargas", "Moreno", "Jiménez", "Suárez", "Ospina",
    "Cárdenas", "Restrepo", "Londoño", "Valencia", "Arango", "Quintero", "Mejía", "Zapata", "Salazar",
    "Cifuentes", "Pardo", "Beltrán", "Acosta", "Peña", "Muñoz", "Ortiz", "Guerrero", "Navarro",
    "Fuentes", "Cabrera", "Espinosa", "Delgado", "Ríos", "Pineda", "Cortés", "Aguilar", "Mendoza",
    "Herrera", "Medina", "Chávez", "Ramos", "Quispe", "Huamán", "Flores", "Salinas", "Paredes",
    "Villacís", "Andrade", "Cevallos", "Zambrano", "Loor", "Domínguez", "Treviño", "Garza", "Cantú",
    "Ibarra", "Lozano", "Figueroa", "Padilla", "Solís", "Carrillo", "Bermúdez", "Duarte", "Galvis",
    "Hoyos", "Jaramillo", "Lara", "Montoya", "Naranjo", "Olarte", "Palacios", "Rincón", "Sandoval",
    "Toro", "Uribe", "Velásquez", "Yepes", "Zuluaga", "Bolaños", "Escobar", "Franco",
];

const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// A name by its rows in the tables above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    given: u8,
    second: Option<u8>,
    surnames: [u8; 2],
}

impl Name {
    pub(super) fn draw(random: &mut Random) -> Self {
        let given = random.row(GIVEN.len());
        let second = random.row(GIVEN.len());
        Self {
            given,
            second: (random.per_mille(350) && second != given).then_some(second),
            surnames: [random.row(SURNAMES.len()), random.row(SURNAMES.len())],
        }
    }

    /// Given names and both surnames.
    pub(super) fn full(self) -> String {
        let mut full = GIVEN[usize::from(self.given)].to_owned();
        let given = self.second.map(|second| GIVEN[usize::from(second)]);
        for part in given.into_iter().chain(self.surnames.map(|row| SURNAMES[usize::from(row)])) {
            full.push(' ');
            full.push_str(part);
        }
        full
    }

    /// An address at a domain kept for documentation; `number` makes it unique.
    pub(super) fn email(self, number: u32) -> String {
        let given = plain(GIVEN[usize::from(self.given)]);
        let surname = plain(SURNAMES[usize::from(self.surnames[0])]);
        format!("{given}.{surname}.{}@{}", number + 1, DOMAINS[number as usize % DOMAINS.len()])
    }
}

/// A name of the tables in lower-case ASCII.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            'á' | 'Á' => 'a',
            'é' | 'É' => 'e',
            'í' => 'i',
            'ó' | 'Ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_tables_makes_an_ascii_address() {
        for name in GIVEN.iter().chain(&SURNAMES) {
            assert!(plain(name).bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        }
    }
}
