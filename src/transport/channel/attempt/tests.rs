use std::time::Duration;

use super::*;
use crate::transport::Channel;

/// A call that may be sent again; `only` when its stream has begun.
fn call(only: Option<usize>) -> Call {
    let (parts, ()) = Request::new(()).into_parts();
    let (body, patience) = (Outgoing::Whole(bytes::Bytes::new()), Duration::from_secs(60));
    let (tried, begun_at) = (Vec::new(), only);
    Call { parts, body, idempotent: true, deadline: None, patience, failures: 0, tried, resume: None, begun_at, only }
}

#[tokio::test(start_paused = true)]
async fn streams_that_were_drained_go_on_at_a_pace_of_their_own() {
    let channel = Channel::owner("127.0.0.1:1").attempts_per_second(10).seed(1).build().expect("an address");
    let (shared, progress) = (&channel.0, Progress::new());
    let began = Instant::now();
    let mut drained: Vec<Call> = (0..101).map(|_| call(Some(0))).collect();
    for call in &mut drained[..100] {
        shared.pause(call, Fate::NotSent, &progress).await.expect("patience");
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "ten times as many as are tried again in a second");
    for _ in 0..10 {
        shared.pause(&mut call(None), Fate::NotSent, &progress).await.expect("patience");
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "and nobody else waits for them");
    shared.pause(&mut drained[100], Fate::NotSent, &progress).await.expect("patience");
    assert_eq!(began.elapsed(), Duration::from_millis(10), "more of them are spread out");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_drained_again_before_anything_came_goes_at_the_pace_of_what_failed() {
    let channel = Channel::owner("127.0.0.1:1").attempts_per_second(1).seed(1).build().expect("an address");
    let (shared, progress, mut stream) = (&channel.0, Progress::new(), call(Some(0)));
    let began = Instant::now();
    shared.pause(&mut stream, Fate::NotSent, &progress).await.expect("patience");
    assert_eq!(began.elapsed(), Duration::ZERO);
    shared.pause(&mut stream, Fate::NotSent, &progress).await.expect("patience");
    shared.pause(&mut stream, Fate::NotSent, &progress).await.expect("patience");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    shared.progressed(&mut stream);
    let again = Instant::now();
    shared.pause(&mut stream, Fate::NotSent, &progress).await.expect("patience");
    assert_eq!(again.elapsed(), Duration::ZERO, "something came of it");
}
