//! `straddle nodes`: the nodes that the coordinator knows.

use std::process::ExitCode;

use super::Outcome;
use super::arguments::{ForgetArguments, NodesArguments, NodesDirective};
use super::inspect::printable;
use super::node::{line, say};
use super::operator::table::{short, table};
use super::operator::{self, Operator, json, time, words};
use crate::control::v1_0_0::{ForgetNodeRequest, ListNodesRequest, NodeDescription};

/// Letters of what is the matter with a node; a longer text stands below the table.
const LONGEST: usize = 60;

pub(super) fn run(arguments: &NodesArguments) -> Outcome {
    operator::ask(&arguments.at, |operator| async move {
        match &arguments.directive {
            None => list(operator, arguments).await,
            Some(NodesDirective::Forget(arguments)) => forget(operator, arguments).await,
        }
    })
}

async fn list(mut operator: Operator, arguments: &NodesArguments) -> Outcome {
    let protocol = arguments.protocol.clone().unwrap_or_default();
    let request = operator.request(ListNodesRequest { protocol, node: String::new() });
    let nodes = match operator.client.list_nodes(request).await {
        Ok(listed) => listed.into_inner().nodes,
        Err(status) => return operator.failed(&status),
    };
    if operator.json {
        line(&serde_json::json!({ "nodes": nodes.iter().map(json::node).collect::<Vec<_>>() }))?;
    } else if nodes.is_empty() {
        say("no node has come; nodes that are started with this coordinator's address do")?;
    } else {
        let rows: Vec<_> = nodes.iter().map(row).collect();
        say(table(["PROTOCOL", "NODE", "VERSION", "STATE", "HEARD", "ADDRESS", "LABELS"], &rows, "").trim_end())?;
        for described in &nodes {
            // What the table has no room for.
            let state = state(described);
            if state.chars().count() > LONGEST {
                let name = described.node.as_ref().map(|node| node.node.as_str()).unwrap_or_default();
                say(&printable(&format!("{name}: {state}")))?;
            }
        }
        for warning in nodes.iter().filter_map(|node| node.contested.as_ref()) {
            say(&printable(&format!("warning: {warning}")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(described: &NodeDescription) -> [String; 7] {
    let node = described.node.clone().unwrap_or_default();
    let labels: Vec<String> = node.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut labels = labels;
    labels.sort();
    [
        node.protocol.clone(),
        node.node.clone(),
        node.version.clone(),
        short(&state(described), LONGEST),
        described.heard_microseconds_ago.map_or_else(|| "not yet".to_owned(), time::ago),
        node.address,
        labels.join(","),
    ]
}

/// What is the matter with a node, in a few words.
fn state(described: &NodeDescription) -> String {
    let Some(node) = &described.node else { return String::new() };
    let moving = || {
        let back = described.permit.as_ref().is_some_and(|permit| permit.back);
        format!("{} {} {}", words::phase(described.phase), if back { "back to" } else { "to" }, described.moving_to)
    };
    let failure = node.failure.as_ref().map(|why| format!("its move failed: {why}"));
    match (&node.stuck, &described.held) {
        _ if node.forgotten => "forgotten".to_owned(),
        _ if !described.connected && described.permit.is_some() => "away, in the middle of a move".to_owned(),
        _ if !described.connected => "away".to_owned(),
        (Some(why), _) => format!("stuck: {why}"),
        _ if !described.moving_to.is_empty() => moving(),
        _ if failure.is_some() => failure.unwrap_or_default(),
        _ if described.drained => "drained".to_owned(),
        (None, Some(why)) => format!("held: {why}"),
        _ if !described.serving => "does not serve".to_owned(),
        _ if described.unlearned.is_some() => {
            format!("has not learned a bundle: {}", described.unlearned.as_deref().unwrap_or_default())
        }
        _ => words::phase(described.phase),
    }
}

async fn forget(mut operator: Operator, arguments: &ForgetArguments) -> Outcome {
    let (protocol, node) = (arguments.protocol.clone(), arguments.node.clone());
    let request = operator.request(ForgetNodeRequest { protocol, node, anyway: arguments.anyway });
    if let Err(status) = operator.client.forget_node(request).await {
        return operator.failed(&status);
    }
    if operator.json {
        line(&serde_json::json!({ "forgotten": { "protocol": arguments.protocol, "node": arguments.node } }))?;
    } else {
        say(&format!("{} is forgotten: it holds nothing up any more, and is fenced if it comes back", arguments.node))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::v1_0_0::{Phase, StoredNode};

    #[test]
    fn a_node_that_could_not_learn_a_bundle_says_why() {
        let described = |unlearned: Option<&str>| NodeDescription {
            node: Some(StoredNode::default()),
            connected: true,
            serving: true,
            phase: Phase::Serving.into(),
            unlearned: unlearned.map(str::to_owned),
            ..Default::default()
        };
        assert_eq!(state(&described(None)), "serving");
        assert_eq!(state(&described(Some("it is not signed"))), "has not learned a bundle: it is not signed");
    }
}
