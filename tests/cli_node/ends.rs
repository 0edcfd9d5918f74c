//! Moves that do not begin, that end for good, and that nobody sees the end of.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener as Listener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use straddle::dispatch::Object;
use straddle::node::{MoveError, Node, Opening, Transforming, Upgrade};
use straddle::simulation::Adjacent;
use straddle::transport::Channel;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::faulty::Faulty;
use crate::program::{Conversation, straddle};
use crate::shop::{echo, folder_of};
use crate::{Doing, Shop, says};

/// A node, served to callers and to those who look after it.
struct Served {
    runtime: Runtime,
    node: Node,
    callers: String,
    admin: String,
}

impl Served {
    /// Its object of 1.0.0 opens `opens` times.
    fn start(state: &Path, files: Arc<Faulty>, opens: usize, upgrade: Upgrade) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let left = Mutex::new(opens);
        let first = move |_: &Opening| -> Result<Object, &str> {
            let mut left = left.lock().unwrap();
            *left = left.checked_sub(1).ok_or("the door is stuck")?;
            Ok(echo("shop.v1.Shop"))
        };
        let builder = Node::builder(folder_of(&["1.0.0", "2.0.0"])).object("1.0.0", first).upgrade(upgrade);
        let (node, callers, admin) = runtime.block_on(async {
            let node = builder.state(state).files(files).start().await.unwrap_or_else(|error| panic!("{error}"));
            let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a listener") };
            let admin = node.serve_admin(listen().await, std::future::pending()).expect("a server");
            let callers = node.serve(listen().await, std::future::pending()).expect("a server");
            let addresses = (callers.local_addr().to_string(), admin.local_addr().to_string());
            tokio::spawn(admin);
            tokio::spawn(callers);
            (node, addresses.0, addresses.1)
        });
        Self { runtime, node, callers, admin }
    }

    /// The program ends.
    fn end(self) {
        self.runtime.block_on(self.node.stop());
    }

    /// What `GET /healthz` says first.
    fn health(&self) -> String {
        let mut connection = TcpStream::connect(&self.callers).expect("a server");
        connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

fn to_2() -> Upgrade {
    let nothing = |_: &Transforming| Ok::<_, &str>(());
    Upgrade::to("2.0.0").object(|_: &Opening| echo("shop.v2.Shop")).transform(nothing).reverse(nothing)
}

#[test]
fn a_disk_without_room_is_told_with_how_much_is_needed_and_nothing_has_changed() {
    let (state, files) = (tempfile::tempdir().expect("a folder"), Arc::new(Faulty::new(None)));
    let served = Served::start(state.path(), files.clone(), usize::MAX, to_2());
    files.has_free(Some(1_000));
    let error = served.runtime.block_on(served.node.upgrade(&"2.0.0".parse().unwrap())).unwrap_err();
    let MoveError::NoSpace { needed, free: 1_000 } = error else { panic!("{error:?}") };
    let upgrade = |more: &[&str]| straddle(&[&["node", "upgrade", &served.admin, "2.0.0"], more].concat());
    let told = [
        "failed: NO_SPACE",
        &format!("needs up to {needed} bytes, and 1000 are free"),
        "serves as before",
        "make room on the disk of the node's state",
    ];
    upgrade(&[]).ended(1, &told);
    let error = &upgrade(&["--json"]).ended(1, &[]).lines().pop().expect("a line")["error"];
    assert_eq!((&error["reason"], &error["node"]), (&json!("NO_SPACE"), &json!("as before")));
    let status = straddle(&["node", "status", &served.admin, "--json"]).ended(0, &[]).value();
    assert_eq!((&status["version"], &status["phase"]), (&json!("1.0.0"), &json!("serving")));
    files.has_free(Some(needed));
    upgrade(&[]).ended(0, &[]);
    served.end();
}

#[test]
fn a_node_that_is_stuck_says_so_everywhere_and_starting_it_again_mends_it() {
    let (state, files) = (tempfile::tempdir().expect("a folder"), Arc::new(Faulty::new(None)));
    let insane = to_2().verify(|_: Adjacent| async { Err("it smells") });
    let served = Served::start(state.path(), files.clone(), 1, insane);
    assert_eq!(served.health(), "HTTP/1.1 200 OK");
    let channel = Channel::owner(&served.callers).build().expect("a channel");
    let mut told = served.runtime.block_on(async {
        let watched = HealthClient::new(channel).watch(HealthCheckRequest::default()).await;
        let mut told = watched.expect("a stream").into_inner();
        let first = told.message().await.expect("no error").expect("a status");
        assert_eq!(first.status(), ServingStatus::Serving);
        told
    });
    let upgrade = straddle(&["node", "upgrade", &served.admin, "2.0.0"]);
    upgrade.ended(
        3,
        &["failed: STUCK", "it smells", "the door is stuck", "answers no callers", "start the program again"],
    );
    let then = served.runtime.block_on(told.message()).expect("no error").expect("a status");
    assert_eq!(then.status(), ServingStatus::NotServing);
    assert_eq!(served.health(), "HTTP/1.1 503 Service Unavailable");
    let status = straddle(&["node", "status", &served.admin]).ended(0, &[]);
    says(&status.out, &["stuck: it answers no callers until its program is started again", "it smells"]);
    drop(told);
    served.end();

    let again = Served::start(state.path(), files, usize::MAX, to_2());
    assert_eq!(again.health(), "HTTP/1.1 200 OK");
    let status = straddle(&["node", "status", &again.admin, "--json"]).ended(0, &[]).value();
    assert_eq!((&status["version"], &status["stuck"]), (&json!("1.0.0"), &json!(null)));
    straddle(&["node", "upgrade", &again.admin, "2.0.0"]).ended(0, &[]);
    again.end();
}

#[test]
fn whoever_loses_sight_of_a_node_is_told_so_and_what_to_do() {
    let shop = Shop::start(Doing::Waiting);
    let relay = Relay::to(&shop.address);
    let mut following = Conversation::begin(&["node", "upgrade", &relay.address, "2.0.0", "--json"]);
    shop.begun.recv().expect("the transform begins");
    relay.cut();
    let mut last = String::new();
    loop {
        let line = following.hear();
        if line.is_empty() {
            break;
        }
        last = line;
    }
    assert_eq!(following.end(), Some(2));
    let error: serde_json::Value = serde_json::from_str(&last).expect("JSON");
    says(error["error"]["message"].as_str().expect("a message"), &["lost sight of in the middle of the move"]);
    says(error["error"]["advice"].as_str().expect("advice"), &["see that it runs", "straddle node status"]);
    shop.go_on.send(()).expect("the transform waits");
}

/// Something between a program and a node that can lose connections.
struct Relay {
    address: String,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    cut: Arc<AtomicBool>,
}

impl Relay {
    fn to(node: &str) -> Self {
        let listener = Listener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (streams, cut) = (Arc::<Mutex<Vec<TcpStream>>>::default(), Arc::<AtomicBool>::default());
        let (known, closed, node) = (streams.clone(), cut.clone(), node.to_owned());
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let (caller, node) = (caller.expect("a caller"), TcpStream::connect(&node).expect("the node"));
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                for (from, to) in [(&caller, &node), (&node, &caller)] {
                    let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
                    known.lock().unwrap().push(from.try_clone().expect("a stream"));
                    // Either side may go away at any time.
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to).ok());
                }
            }
        });
        Self { address, streams, cut }
    }

    /// Loses all connections, and takes no more.
    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
