//! What the manifests say of the programs is what the programs know: a variable with a slip of the pen is ignored
//! without a word, and a probe of a service that is not there never succeeds.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use turbomessage_proto::{auth_v1::auth_service_server, mail_v1::mail_service_server};
use turbomessage_tests::{
    Services, admin,
    eventually::{SOON, eventually},
    programs,
};

use crate::contract::FIVE_SERVICES;

const SERVICES: [&str; 3] = ["gateway", "auth-service", "mail-service"];

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the repository")
}

/// All manifests, and the file for Compose.
fn files() -> Vec<PathBuf> {
    let mut folders = vec![root().join("k8s")];
    let mut files = vec![root().join("compose.yaml")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 10, "the manifests are there");
    files
}

/// The variables of ours that `text` names.
fn variables(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit();
    let words = text.split(|c| !is_part(c));
    let ours = words.filter(|word| word.starts_with("TM_") && word.len() > 3);
    ours.map(str::to_owned).collect()
}

async fn help(service: &str) -> String {
    let program = programs::own(&format!("turbomessage-{service}"));
    let mut program = tokio::process::Command::new(program);
    let said = program.arg("--help").output().await.unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// What stands behind `key: ` in a manifest, in order.
fn values(manifest: &str, key: &str) -> Vec<String> {
    let lines = manifest
        .lines()
        .map(|line| line.trim().trim_start_matches("- "));
    let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    values
        .map(|value| value.trim_matches('"').to_owned())
        .collect()
}

/// The part of the generators' list that makes the `ConfigMap` of `service`.
fn config_of(service: &str) -> String {
    let file = read("k8s/base/kustomization.yaml");
    let (_, generators) = file.split_once("configMapGenerator:").unwrap();
    let mut maps = generators.split("  - name: ");
    let map = maps.find(|map| map.lines().next() == Some(service));
    map.expect("a ConfigMap for each").to_owned()
}

#[tokio::test]
async fn every_variable_is_one_that_its_program_reads() {
    let mut known_to_any = BTreeSet::new();
    for service in SERVICES {
        let known = variables(&help(service).await);
        assert!(known.contains("TM_LISTEN"), "{known:?}");
        for text in [
            read(&format!("k8s/base/{service}.yaml")),
            read(&format!("k8s/components/cert-manager/{service}.yaml")),
            config_of(service),
        ] {
            let unknown: Vec<_> = variables(&text).difference(&known).cloned().collect();
            assert!(unknown.is_empty(), "{service} knows nothing of {unknown:?}");
        }
        known_to_any.extend(known);
    }
    for path in files() {
        let named = variables(&fs::read_to_string(&path).unwrap());
        let unknown: Vec<_> = named.difference(&known_to_any).collect();
        assert!(
            unknown.is_empty(),
            "{}: nobody knows {unknown:?}",
            path.display()
        );
    }
}

#[tokio::test]
async fn ports_and_probes_are_those_of_the_programs() {
    const ADMIN: &str = "9464";
    let names = [
        auth_service_server::SERVICE_NAME,
        mail_service_server::SERVICE_NAME,
    ];
    for service in SERVICES {
        let help = help(service).await;
        let (_, port) = help
            .split_once("[default: 0.0.0.0:")
            .expect("where it listens");
        let (port, _) = port.split_once(']').unwrap();
        let manifest = read(&format!("k8s/base/{service}.yaml"));
        let values = |key| values(&manifest, key);
        assert_eq!(values("containerPort"), [port, ADMIN]);
        for named in values("port") {
            assert!([port, ADMIN].contains(&&*named), "{service}: port {named}");
        }
        let probed = values("service");
        assert!(probed.len() >= 3, "three probes: {probed:?}");
        for name in probed {
            assert!(
                name.is_empty() || names.contains(&&*name),
                "{service}: {name}"
            );
            // A service answers for nobody else; the gateway for both.
            let own = service == "gateway" || !name.contains("v1") || name.contains(&service[..4]);
            assert!(own, "{service} is asked about {name}");
        }
        assert!(config_of(service).contains(&format!("TM_LISTEN=0.0.0.0:{port}")));
        assert!(config_of(service).contains(&format!("TM_ADMIN_LISTEN=0.0.0.0:{ADMIN}")));
    }
    let gateway = config_of("gateway");
    assert!(gateway.contains("TM_AUTH_URL=http://auth-service:50052"));
    assert!(gateway.contains("TM_MAIL_URL=http://mail-service:50053"));
    assert!(config_of("mail-service").contains("TM_AUTH_URL=http://auth-service:50052"));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_probes_ask_for_what_the_admin_port_has() {
    let component = read("k8s/components/cert-manager/kustomization.yaml");
    let probes = values(&component, "value");
    let probes = probes
        .iter()
        .filter_map(|probe| probe.strip_prefix("{ path: ")?.split_once(", port: "));
    let paths: BTreeSet<_> = probes
        .inspect(|(_, port)| assert_eq!(*port, "admin }"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, BTreeSet::from(["/livez", "/readyz"]));
    let services = Services::on_files().env_all("TM_ADMIN_LISTEN", "127.0.0.1:0");
    let services = services.start().await;
    for process in [&services.gateway, &services.auth, &services.mail] {
        for path in &paths {
            eventually("the probe succeeds", SOON, async || {
                let answer = admin::get(process, path).await;
                answer.starts_with("HTTP/1.1 200").then_some(())
            })
            .await;
        }
    }
}

#[test]
fn routes_lead_to_what_is_public_and_to_nothing_else() {
    let routes = read("k8s/components/gateway-api/routes.yaml");
    let for_programs: BTreeSet<_> = values(&routes, "service").into_iter().collect();
    assert_eq!(
        for_programs,
        BTreeSet::from(FIVE_SERVICES.map(str::to_owned))
    );
    let for_browsers = values(&routes, "value");
    let names = [
        auth_service_server::SERVICE_NAME,
        mail_service_server::SERVICE_NAME,
    ];
    assert_eq!(for_browsers, names.map(|name| format!("/{name}")));
}
