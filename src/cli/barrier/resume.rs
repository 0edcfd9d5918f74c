//! Going on with a run that was killed.

use std::path::Path;
use std::pin::pin;

use super::nodes::{self, Member};
use super::prepare::NotReady;
use super::record::{RecordFile, Stage};
use super::told::Told;
use super::word::{Fate, Given};
use super::{finish, signals};
use crate::cli::arguments::BarrierArguments;
use crate::cli::{BadArguments, Outcome};

pub(super) async fn run(arguments: &BarrierArguments, file: &Path) -> Outcome {
    let (mut file, mut record) = RecordFile::take(file).map_err(BadArguments)?;
    let members = record.nodes.iter().map(|node| Member::of(&node.address, arguments.wait));
    let members = members.collect::<Result<Vec<_>, BadArguments>>()?;
    let mut told = Told::new(arguments.json);
    match record.stage {
        Stage::Preparing => {
            // Those that have not begun, as far as is written, have lost their listener since: they go back by themselves.
            let unnamed = record.nodes.iter().filter(|node| node.name.is_none());
            let unnamed: Vec<String> = unnamed.map(|node| node.address.clone()).collect();
            let left = nodes::take_back(&members, &record.names(), &unnamed).await;
            let why = NotReady::here("the run ended before its decision".to_owned());
            // Where one could not be told, it is known from here which.
            let kept = if left.is_empty() { file.remove().err() } else { None };
            told.aborted(&why, &left, None, kept.as_deref())
        }
        Stage::Decided => {
            let unheard = || Fate::Straggler("the run ended before it said that it had switched".to_owned());
            let switched = || Fate::Switched { moved: None, after: None };
            let fates = record.nodes.iter().map(|node| if node.switched { switched() } else { unheard() });
            let given = Given(fates.collect());
            let mut interrupted = pin!(signals::interrupted());
            finish(arguments, &members, given, &mut record, &mut file, &mut told, &mut interrupted).await
        }
    }
}
