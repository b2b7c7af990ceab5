//! The table of settings and roles: the only I/O on it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws::{Aws, AwsError, Condition, Env, Query, Table, Write, from_item, number, to_item};
use foundation::{
    money::UnknownCurrency,
    problem::{FieldError, Kind, Malformed, Problem},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    audit::{Change, Subject},
    keys,
    role::{Role, RoleDraft, RoleName, with_defaults},
    settings::{Settings, SettingsDraft},
};

/// How long what roles allow is taken as it was read.
const REMEMBERED: Duration = Duration::from_mins(1);

/// The company's settings and roles.
#[derive(Clone, Debug)]
pub struct Configuration {
    aws: Aws,
    table: Table,
    roles: Arc<Mutex<Option<Remembered>>>,
}

/// Roles, and since when they are known.
type Remembered = (Instant, Arc<Vec<Role>>);

/// Who changes something, for the audit.
#[derive(Clone, Debug)]
pub struct Editor {
    /// The token's subject.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The request's correlation id.
    pub correlation: String,
}

/// Changes, and where the next page starts.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The changes, latest first.
    pub changes: Vec<Change>,
    /// What to pass as `cursor` for earlier ones.
    pub next: Option<String>,
}

/// Why settings or roles are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Members are wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Somebody else changed it.
    #[error("it was changed in between: its version is {0}")]
    Changed(u64),
    /// Nobody could change roles any more.
    #[error("the role company-admin keeps SETTINGS_WRITE, so that somebody can change roles")]
    LastKey,
    /// A default is broken.
    #[error("the default settings are broken")]
    Defaults(#[from] UnknownCurrency),
    /// The table.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Problem for AccessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Malformed(error) => error.kind(),
            Self::Changed(_) => Kind::Conflict,
            Self::LastKey => Kind::Rejected,
            Self::Defaults(_) => Kind::Internal,
            Self::Aws(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.code(),
            Self::Changed(_) => "access.changed",
            Self::LastKey => "access.last-key",
            Self::Defaults(_) => "access.defaults",
            Self::Aws(error) => error.code(),
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Malformed(error) => error.fields(),
            Self::Changed(_) => vec![FieldError { pointer: "/version".into(), detail: self.to_string() }],
            _ => Vec::new(),
        }
    }
}

impl Configuration {
    /// The settings and roles of the table in `SETTINGS_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "SETTINGS_TABLE"), roles: Arc::default() }
    }

    /// The company's settings; the defaults as long as it has said nothing.
    pub async fn settings(&self) -> Result<Settings, AccessError> {
        match self.table.get(keys::settings()).await? {
            Some(item) => Ok(from_item(item).map_err(AwsError::from)?),
            None => Ok(Settings::defaults()?),
        }
    }

    /// Changes the settings, if the caller has seen their latest version.
    pub async fn put_settings(&self, draft: SettingsDraft, editor: &Editor) -> Result<Settings, AccessError> {
        let seen = draft.version;
        let after = draft.checked()?;
        let before = self.settings().await?;
        if before.version != seen {
            return Err(AccessError::Changed(before.version));
        }
        let before = (seen > 0).then_some(before);
        self.change(keys::settings(), Subject::Settings, seen, before.as_ref(), &after, editor).await?;
        Ok(after)
    }

    /// All roles, by name: those from the start and those the company configured.
    pub async fn roles(&self) -> Result<Vec<Role>, AwsError> {
        let items = self.table.query_all(Query::partition(keys::ROLES).consistent()).await?;
        let configured = items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(with_defaults(configured))
    }

    /// All roles, as they were at most a minute ago.
    pub async fn remembered_roles(&self) -> Result<Arc<Vec<Role>>, AwsError> {
        let known = self.roles.lock().ok().and_then(|known| known.clone());
        if let Some((_, roles)) = known.filter(|(since, _)| since.elapsed() < REMEMBERED) {
            return Ok(roles);
        }
        let roles = Arc::new(self.roles().await?);
        if let Ok(mut known) = self.roles.lock() {
            *known = Some((Instant::now(), Arc::clone(&roles)));
        }
        Ok(roles)
    }

    /// Makes or changes a role, if the caller has seen its latest version.
    pub async fn put_role(
        &self,
        name: &RoleName,
        draft: RoleDraft,
        editor: &Editor,
    ) -> Result<Role, AccessError> {
        let keeps_key = draft.permissions.contains(&foundation::permission::Permission::SettingsWrite);
        if name.as_str() == "company-admin" && !keeps_key {
            return Err(AccessError::LastKey);
        }
        let before = self.roles().await?.into_iter().find(|role| role.name == *name);
        let version = before.as_ref().map_or(0, |role| role.version);
        if version != draft.version {
            return Err(AccessError::Changed(version));
        }
        let after =
            Role { name: name.clone(), permissions: draft.permissions, version: version.saturating_add(1) };
        self.change(keys::role(name), Subject::Role(name.clone()), version, before.as_ref(), &after, editor)
            .await?;
        Ok(after)
    }

    /// A page of all changes, latest first.
    pub async fn changes(&self, cursor: Option<&str>, limit: u16) -> Result<ChangePage, AccessError> {
        let query = Query::partition(keys::CHANGES).descending().limit(limit).from_cursor(cursor)?;
        let page = self.table.query(query).await?;
        let next = page.cursor();
        let changes = page.items.into_iter().map(from_item).collect::<Result<_, _>>();
        Ok(ChangePage { changes: changes.map_err(AwsError::from)?, next })
    }

    /// Puts `after` over the version `seen`, with the entry that says so, in one transaction.
    async fn change<T: Serialize + Sync>(
        &self,
        key: aws::Key,
        subject: Subject,
        seen: u64,
        before: Option<&T>,
        after: &T,
        editor: &Editor,
    ) -> Result<(), AccessError> {
        let value = |value: Option<&T>| serde_json::to_value(value).unwrap_or(Value::Null);
        let change = Change {
            subject,
            by: editor.by.clone(),
            at: editor.at,
            correlation: editor.correlation.clone(),
            before: value(before),
            after: value(Some(after)),
        };
        let unchanged = match seen {
            0 => Condition::Absent,
            version => Condition::Equals("version", number(version.into())),
        };
        let entry =
            keys::change(editor.at, &editor.correlation).onto(to_item(&change).map_err(AwsError::from)?);
        let item = key.onto(to_item(after).map_err(AwsError::from)?);
        let writes = vec![
            Write::Put(self.table.clone(), item, unchanged),
            Write::Put(self.table.clone(), entry, Condition::Absent),
        ];
        match self.aws.transact(writes).await {
            Ok(()) => Ok(()),
            Err(AwsError::Refused(found)) => {
                let standing = found.into_iter().next().flatten();
                let version = standing
                    .map_or(0, |item| u64::try_from(aws::decimal(&item, "version")).unwrap_or_default());
                Err(AccessError::Changed(version))
            }
            Err(error) => Err(error.into()),
        }
    }
}
