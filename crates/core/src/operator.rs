//! Operators: the people and scripts that administer an installation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{Display, EnumString};

use crate::ids::ProjectId;
use crate::secret::StoredSecret;
use crate::text::{InvalidText, check_name};
use crate::{Chance, Timestamp, ids};

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    /// Everything within its reach.
    Admin,
    /// Look, and change nothing.
    ReadOnly,
}

/// Which projects an operator sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All, the installation's own affairs included.
    All,
    /// These alone.
    Projects(Vec<ProjectId>),
}

/// What a request wants to do, judged against an operator's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Look.
    Read,
    /// Change.
    Write,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Identity, `operator-<uuid>`.
    pub id: String,
    /// For people: who or what this is.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Which projects it sees.
    pub reach: Reach,
    /// What is kept of its key.
    pub key: StoredSecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its key last authenticated a request, within ten seconds.
    pub last_used_at: Option<Timestamp>,
    /// When it stopped working.
    pub revoked_at: Option<Timestamp>,
}

impl Operator {
    /// A new operator around a key already made.
    pub fn new(
        name: &str,
        role: Role,
        reach: Reach,
        key: StoredSecret,
        now: Timestamp,
        chance: Chance<'_>,
    ) -> Result<Self, InvalidText> {
        check_name(name)?;
        Ok(Self {
            id: format!("operator-{}", ids::random_uuid(chance)),
            name: name.to_owned(),
            role,
            reach,
            key,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// Whether it may do this in that project.
    pub fn may_in_project(&self, access: Access, project_id: &ProjectId) -> bool {
        self.may(access) && self.sees(project_id)
    }

    /// Whether it may do this to the installation itself: operators, projects, all of the audit.
    pub fn may_in_installation(&self, access: Access) -> bool {
        self.may(access) && self.reach == Reach::All
    }

    /// Whether it sees that project at all.
    pub fn sees(&self, project_id: &ProjectId) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Projects(projects) => projects.contains(project_id),
        }
    }

    fn may(&self, access: Access) -> bool {
        self.revoked_at.is_none() && (self.role == Role::Admin || access == Access::Read)
    }

    /// The operator as an audit event shows it.
    pub fn for_audit(&self) -> Value {
        let projects = match &self.reach {
            Reach::All => None,
            Reach::Projects(projects) => Some(projects),
        };
        json!({
            "name": self.name,
            "role": self.role,
            "projects": projects,
            "last_four": self.key.last_four,
            "revoked_at": self.revoked_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::client::tests::{at, peppers};
    use crate::secret::NewSecret;

    #[test]
    fn role_and_reach_both_have_to_allow_it() {
        let mut chance = StdRng::seed_from_u64(1);
        let key = NewSecret::for_operator(at(1), &peppers(), &mut chance).stored;
        let (own, other): (ProjectId, ProjectId) = (
            "project-test-1".parse().unwrap(),
            "project-test-2".parse().unwrap(),
        );
        let mut make =
            |role, reach| Operator::new("o", role, reach, key.clone(), at(1), &mut chance).unwrap();
        let admin = make(Role::Admin, Reach::Projects(vec![own.clone()]));
        assert!(admin.may_in_project(Access::Write, &own));
        assert!(!admin.may_in_project(Access::Read, &other));
        assert!(!admin.may_in_installation(Access::Read));
        let reader = make(Role::ReadOnly, Reach::All);
        assert!(reader.may_in_project(Access::Read, &other) && reader.may_in_installation(Access::Read));
        assert!(!reader.may_in_project(Access::Write, &own) && !reader.may_in_installation(Access::Write));
        let revoked = Operator {
            revoked_at: Some(at(2)),
            ..make(Role::Admin, Reach::All)
        };
        assert!(!revoked.may_in_installation(Access::Read));
    }
}
