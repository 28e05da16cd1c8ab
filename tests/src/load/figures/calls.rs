//! A call that does nothing.

use super::{Session, cpu};
use crate::{
    Part, Process, Services,
    load::{
        drive::{self, Plan},
        people::{Target, register},
        processes::Processes,
        report::{Figure, Target as Goal},
        tally::Outcome,
        yardsticks::echo::{ECHO_BYTES, EchoCaller, EchoServer},
    },
};

/// Callers to try.
const CALLERS: [usize; 4] = [16, 64, 128, 256];
/// What has this program be an echo: see `benches/load.rs`.
const DIRECT: &[&str] = &["serve-echo"];
const BEHIND_EDGE: &[&str] = &["serve-echo-behind-edge"];

/// An echo, and the way to it.
#[derive(Debug)]
struct Way {
    name: &'static str,
    target: Target,
    token: Option<String>,
    processes: Processes,
}

impl Way {
    async fn run(&self, callers: usize, connections: usize, plan: Plan) -> anyhow::Result<Outcome> {
        let channels = self.target.connections(connections.min(callers)).await?;
        let callers: Result<Vec<EchoCaller>, _> = (0..callers)
            .map(|n| EchoCaller::new(&channels[n % channels.len()], self.token.as_deref()))
            .collect();
        let outcome = drive::run(self.name, plan, callers?, &self.processes).await;
        super::complain(self.name, &outcome);
        Ok(outcome)
    }
}

/// A gateway process, between callers and an echo process that answers for mail-service.
#[derive(Debug)]
pub(super) struct ThroughGateway {
    way: Way,
    _services: Services,
    _gateway: Process,
}

impl ThroughGateway {
    pub(super) async fn start(echo: &EchoServer) -> anyhow::Result<Self> {
        let services = Services::on_files().start().await;
        let settings = vec![
            ("TM_AUTH_URL".into(), services.auth.url()),
            ("TM_MAIL_URL".into(), format!("http://{}", echo.address)),
        ];
        let gateway = Process::start(Part::Gateway, settings).await;
        gateway.edge().ready().await;
        let target = Target::new(&gateway.url(), None)?;
        let token = register(&target, 1).await?.remove(0).token;
        let processes = Processes::default()
            .with("gateway", gateway.id())
            .with("auth-service", services.auth.id())
            .and(&echo.processes);
        Ok(Self {
            way: Way {
                name: "echo through the gateway",
                target,
                token: Some(token),
                processes,
            },
            _services: services,
            _gateway: gateway,
        })
    }

    pub(super) async fn run(
        &self,
        callers: usize,
        connections: usize,
        plan: Plan,
    ) -> anyhow::Result<Outcome> {
        self.way.run(callers, connections, plan).await
    }
}

/// Starts an echo for callers to call directly.
pub(super) async fn echo() -> anyhow::Result<EchoServer> {
    EchoServer::start("echo", DIRECT).await
}

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let settings = session.settings.clone();
    let echo = echo().await?;
    let direct = Way {
        name: "echo",
        target: echo.target.clone(),
        token: None,
        processes: echo.processes.clone(),
    };
    let gateway = ThroughGateway::start(&echo).await?;
    let one_process = EchoServer::start("gateway with echo", BEHIND_EDGE).await?;
    let token = register(&one_process.target, 1).await?.remove(0).token;
    let one_process_way = Way {
        name: "echo in one process with the gateway",
        target: one_process.target.clone(),
        token: Some(token),
        processes: one_process.processes.clone(),
    };
    let ways = [&direct, &gateway.way, &one_process_way];
    let mut best = Vec::new();
    for way in ways {
        let rate = async |callers| {
            let outcome = way.run(callers, settings.connections, settings.trial());
            Ok(outcome.await?.all.rate)
        };
        best.push(session.best(way.name, &CALLERS, rate).await?);
    }
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut notes: [String; 3] = Default::default();
    for _ in 0..settings.rounds {
        for (n, way) in ways.into_iter().enumerate() {
            let plan = settings.plan(drive::Pace::Closed);
            let outcome = way.run(best[n], settings.connections, plan).await?;
            rates[n].push(outcome.all.rate);
            notes[n] = format!(
                "{}: {} callers, p50 {:.2} ms, {}",
                way.name,
                best[n],
                outcome.all.p50,
                cpu(&outcome)
            );
        }
    }
    let [direct, through_gateway, in_one_process] = rates;
    let against = format!("a bare tonic echo of {ECHO_BYTES} bytes");
    let [about_echo, about_gateway, about_one] = notes;
    session.figure(Figure {
        name: "an authenticated trivial call through the gateway process".into(),
        against: against.clone(),
        unit: "calls/s",
        ours: through_gateway,
        theirs: direct.clone(),
        target: Goal::AtLeast(0.5),
        notes: vec![
            "the same echo process answers both ways, the gateway takes it for mail-service; its own part is the difference"
                .into(),
            about_echo,
            about_gateway,
        ],
    });
    session.figure(Figure {
        name: "the same in one process, wired as `tm dev`".into(),
        against,
        unit: "calls/s",
        ours: in_one_process,
        theirs: direct,
        target: Goal::AtLeast(0.85),
        notes: vec![about_one],
    });
    Ok(())
}
