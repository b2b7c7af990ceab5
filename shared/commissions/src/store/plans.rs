//! Versions of plans in the table, their documents in the bucket.

use aws::{Attribute, AwsError, Condition, Query, Write, from_item, idempotency::Claim, text, to_item};
use bytes::Bytes;
use foundation::problem::{Fault, NotFound};
use jiff::Timestamp;
use plan::{InvalidPlan, Plan};

use super::{Claimed, Commissions};
use crate::{
    keys,
    plans::{PlanName, PlanReference, PlanState, PlanStateError, PlanVersion, in_force},
};

impl Commissions {
    /// Checks a document and keeps it as a draft. All mistakes of the document are reported.
    pub async fn save_plan(
        &self,
        name: PlanName,
        document: &str,
        claim: &Claim,
        by: &str,
        now: Timestamp,
    ) -> Result<PlanVersion, Fault> {
        let plan = Plan::parse(document).map_err(InvalidPlan)?;
        let draft = PlanVersion {
            name,
            version: plan.document().version,
            title: plan.document().name.clone(),
            state: PlanState::Draft,
            hash: plan.hash().to_owned(),
            saved_at: now,
            saved_by: by.to_owned(),
            published_at: None,
            retired_at: None,
        };
        self.keep_document(&plan).await?;
        let free = Condition::Any(vec![Condition::Absent, Condition::Equals("state", text("draft"))]);
        let writes = vec![self.plan_write(&draft, free)?];
        match self.transact_once(writes, claim, &draft, now).await {
            Ok(Claimed::Done) => Ok(draft),
            Ok(Claimed::Before(first)) => Ok(first),
            Err(fault) => {
                // The version stands there and is no draft: the same document again is no change.
                let standing = self.plan_version(&draft.name, draft.version).await;
                let standing = standing.map_err(|_| fault)?;
                standing.may_become(&draft)?;
                Ok(standing)
            }
        }
    }

    /// Keeps a plan's document under its hash.
    pub(super) async fn keep_document(&self, plan: &Plan) -> Result<(), Fault> {
        let key = keys::plan_document(plan.hash());
        self.bucket.put_once(&key, Bytes::from(stored(plan)?), "application/json").await?;
        Ok(())
    }

    fn plan_write(&self, version: &PlanVersion, condition: Condition) -> Result<Write, Fault> {
        let item = to_item(version).map_err(AwsError::from)?;
        Ok(Write::Put(self.table.clone(), keys::plan(&version.name, version.version).onto(item), condition))
    }

    /// All versions of all plans, or of one.
    pub async fn plan_versions(&self, name: Option<&PlanName>) -> Result<Vec<PlanVersion>, Fault> {
        let query = Query::partition(keys::PLANS).consistent();
        let query = match name {
            Some(name) => query.prefix(keys::plan_prefix(name)),
            None => query,
        };
        let items = self.table.query_all(query).await?;
        Ok(items.into_iter().map(from_item).collect::<Result<_, _>>().map_err(AwsError::from)?)
    }

    /// A version of a plan.
    pub async fn plan_version(&self, name: &PlanName, version: u32) -> Result<PlanVersion, Fault> {
        let item = self.table.get(keys::plan(name, version)).await?.ok_or(NotFound("version of a plan"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// The document of a version.
    pub async fn plan_document(&self, hash: &str) -> Result<Bytes, Fault> {
        let found = self.bucket.get(&keys::plan_document(hash)).await?;
        found.ok_or_else(|| PlanStateError::Damaged { hash: hash.to_owned() }.into())
    }

    /// Publishes a draft: from now on it never changes, and runs use it.
    pub async fn publish_plan(
        &self,
        name: &PlanName,
        version: u32,
        now: Timestamp,
    ) -> Result<PlanVersion, Fault> {
        let draft = self.plan_version(name, version).await?;
        let published = draft.clone().published(now)?;
        self.change_plan(&draft, published).await
    }

    /// Retires a published version: no new run uses it.
    pub async fn retire_plan(
        &self,
        name: &PlanName,
        version: u32,
        now: Timestamp,
    ) -> Result<PlanVersion, Fault> {
        let published = self.plan_version(name, version).await?;
        let retired = published.clone().retired(now)?;
        self.change_plan(&published, retired).await
    }

    async fn change_plan(&self, before: &PlanVersion, after: PlanVersion) -> Result<PlanVersion, Fault> {
        if *before == after {
            return Ok(after);
        }
        let state = to_item(before).map_err(AwsError::from)?.remove("state").unwrap_or(Attribute::Null(true));
        let unchanged = Condition::All(vec![
            Condition::Equals("state", state),
            Condition::Equals("hash", text(&before.hash)),
        ]);
        self.aws.transact(vec![self.plan_write(&after, unchanged)?]).await?;
        Ok(after)
    }

    /// The plan a run that is integrated now computes by.
    pub async fn plan_in_force(&self, name: &PlanName) -> Result<(PlanReference, Plan), Fault> {
        let versions = self.plan_versions(Some(name)).await?;
        let reference = in_force(name, &versions)?.reference();
        let plan = checked(&self.plan_document(&reference.hash).await?, &reference.hash)?;
        Ok((reference, plan))
    }
}

/// The plan in stored bytes, which must be the one its hash names.
pub(crate) fn checked(bytes: &[u8], hash: &str) -> Result<Plan, Fault> {
    let damaged = || PlanStateError::Damaged { hash: hash.to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let plan = Plan::parse(text).map_err(|_| damaged())?;
    if plan.hash() == hash { Ok(plan) } else { Err(damaged().into()) }
}

/// A plan's document as it is stored.
pub(crate) fn stored(plan: &Plan) -> Result<Vec<u8>, Fault> {
    let bytes = serde_json::to_vec_pretty(plan.document());
    Ok(bytes.map_err(|source| crate::manifest::FileError::Unreadable { what: "a plan", source })?)
}
