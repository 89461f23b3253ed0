//! Projects and their secrets.

use countersign_core::Algorithm;
use countersign_core::audit::Action;
use countersign_core::ids::ProjectId;
use countersign_core::operator::Reach;
use countersign_core::project::{Project, ProjectPatch, ProjectSecret, TokenProfile};
use countersign_store::{Page, ProjectRecord, StoreError};

use crate::world::{ALL, World, at, values};

pub(crate) async fn a_project_comes_back_with_everything_of_it(mut world: World) {
    let project = Project {
        token_profile: TokenProfile::StandardEs256,
        ..world.new_project()
    };
    let secret = world.new_project_secret(&project.id);
    let key = world.new_key(Algorithm::Es256, 5);
    let key = countersign_core::key_life::StoredKey {
        project_id: project.id.clone(),
        ..key
    };
    let event = world.event(Action::ProjectCreated, project.id.as_str());
    world
        .store
        .insert_project(&project, &secret, std::slice::from_ref(&key), &event)
        .await
        .unwrap();
    let stored = world.store.project(&project.id).await.unwrap();
    assert_eq!(
        stored,
        Some(ProjectRecord {
            project: project.clone(),
            secrets: vec![secret],
            keys: vec![key]
        })
    );
    let unknown = world.new_project();
    assert_eq!(world.store.project(&unknown.id).await.unwrap(), None);
}

pub(crate) async fn a_project_id_is_taken_once(mut world: World) {
    let project = Project {
        name: "again".into(),
        ..world.project.clone()
    };
    let secret = world.new_project_secret(&project.id);
    let event = world.event(Action::ProjectCreated, project.id.as_str());
    let again = world.store.insert_project(&project, &secret, &[], &event).await;
    assert!(matches!(again, Err(StoreError::Duplicate)));
    let stored = world.store.project(&project.id).await.unwrap().unwrap();
    assert_eq!(stored.project, world.project);
    assert_eq!(stored.secrets.len(), 1);
}

pub(crate) async fn a_change_of_an_old_version_is_stale(mut world: World) {
    let patch = |name: &str| ProjectPatch {
        name: Some(name.into()),
        token_profile: Some(TokenProfile::StandardRs256),
    };
    let faster = world.project.patched(patch("faster"), at(2)).unwrap();
    let slower = world.project.patched(patch("slower"), at(3)).unwrap();
    let event = world.event(Action::ProjectUpdated, faster.id.as_str());
    world.store.update_project(&faster, &event).await.unwrap();
    let event = world.event(Action::ProjectUpdated, slower.id.as_str());
    assert!(matches!(
        world.store.update_project(&slower, &event).await,
        Err(StoreError::Stale)
    ));
    assert_eq!(
        world.store.project(&faster.id).await.unwrap().unwrap().project,
        faster
    );
}

pub(crate) async fn secrets_are_added_and_revoked_once(mut world: World) {
    let project_id = world.project.id.clone();
    let first = world
        .store
        .project(&project_id)
        .await
        .unwrap()
        .unwrap()
        .secrets
        .remove(0);
    let second = world.new_project_secret(&project_id);
    let event = world.event(Action::ProjectSecretCreated, &second.id);
    world.store.insert_project_secret(&second, &event).await.unwrap();
    let event = world.event(Action::ProjectSecretCreated, &second.id);
    assert!(matches!(
        world.store.insert_project_secret(&second, &event).await,
        Err(StoreError::Duplicate)
    ));

    let other = world.new_project();
    world.keep_project(&other).await;
    let mut revoke = async |project: &ProjectId, second: i64| {
        let event = world.event(Action::ProjectSecretRevoked, &first.id);
        world
            .store
            .revoke_project_secret(project, &first.id, at(second), &event)
            .await
    };
    assert!(
        matches!(revoke(&other.id, 8).await, Err(StoreError::Stale)),
        "another project's secret"
    );
    revoke(&project_id, 9).await.unwrap();
    assert!(
        matches!(revoke(&project_id, 10).await, Err(StoreError::Stale)),
        "revoked already"
    );
    let revoked = ProjectSecret {
        revoked_at: Some(at(9)),
        ..first.clone()
    };
    assert_eq!(
        world.store.project(&project_id).await.unwrap().unwrap().secrets,
        [revoked, second]
    );
}

pub(crate) async fn projects_are_listed_in_pages_and_by_reach(mut world: World) {
    let mut projects = vec![world.project.clone()];
    for _ in 0..6 {
        let project = world.new_project();
        world.keep_project(&project).await;
        projects.push(project);
    }
    assert_eq!(
        values(world.store.list_projects(None, ALL).await.unwrap()),
        projects
    );
    let first = world
        .store
        .list_projects(None, Page { after: 0, limit: 4 })
        .await
        .unwrap();
    let after = first[3].ordinal;
    let rest = world
        .store
        .list_projects(None, Page { after, limit: 4 })
        .await
        .unwrap();
    assert_eq!([values(first), values(rest)].concat(), projects);

    let only: Vec<ProjectId> = [5, 1, 3].map(|n| projects[n].id.clone()).to_vec();
    let seen = world.store.list_projects(Some(&only), ALL).await.unwrap();
    let after = seen[0].ordinal;
    assert_eq!(values(seen), [1, 3, 5].map(|n| projects[n].clone()));
    let later = world
        .store
        .list_projects(Some(&only), Page { after, limit: 1 })
        .await
        .unwrap();
    assert_eq!(values(later), [projects[3].clone()]);
    assert!(
        world
            .store
            .list_projects(Some(&[]), ALL)
            .await
            .unwrap()
            .is_empty()
    );

    let ids = values(
        world
            .store
            .project_ids(Page { after: 0, limit: 3 })
            .await
            .unwrap(),
    );
    assert_eq!(
        ids,
        projects[..3]
            .iter()
            .map(|project| project.id.clone())
            .collect::<Vec<_>>()
    );
}

/// Only an empty database gets the first of everything, and whole.
pub(crate) async fn the_first_start_comes_once(mut world: World) {
    let (operator, project) = (world.new_operator("first", Reach::All), world.new_project());
    let secret = world.new_project_secret(&project.id);
    let events = [
        world.event(Action::OperatorCreated, &operator.id),
        world.event(Action::ProjectCreated, project.id.as_str()),
    ];
    let again = world
        .store
        .insert_first(&operator, &project, &secret, &[], &events)
        .await;
    assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
    assert_eq!(world.store.project(&project.id).await.unwrap(), None);
    assert_eq!(
        world
            .store
            .operator_by_digest(&operator.key.digest)
            .await
            .unwrap(),
        None
    );
    assert!(!world.store.event_exists(&events[0].id).await.unwrap());
}
