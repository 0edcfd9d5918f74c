//! The schema of the cases.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

pub(super) fn pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("t.proto", T), ("t2.proto", T2), ("bare.proto", BARE)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
        compiler.include_imports(true).open_files(["t.proto", "bare.proto"]).unwrap();
        DescriptorPool::from_file_descriptor_set(compiler.file_descriptor_set()).unwrap()
    });
    &POOL
}

pub(super) fn of(name: &str) -> MessageDescriptor {
    pool().get_message_by_name(name).unwrap()
}

/// A message in protobuf's text format.
pub(super) fn message(name: &str, text: &str) -> DynamicMessage {
    DynamicMessage::parse_text_format(of(name), text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const T: &str = r#"
    syntax = "proto3";
    package t;
    import "t2.proto";
    import "google/protobuf/any.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/struct.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";

    enum State { STATE_UNSPECIFIED = 0; STATE_HELD = 1; STATE_GONE = 2; }
    message Geo { double lat = 1; }
    message Address { string city = 1; int32 zip = 2; Geo geo = 3; }
    message Place { string city = 1; int64 zip = 2; Geo geo = 3; }
    message Box { string city = 1; }
    message Part { string name = 1; int32 weight = 2; Address address = 3; repeated Part parts = 4; }
    message Item {
        enum Mode { OFF = 0; ON = 1; }
        string name = 1;
        uint32 count = 2;
        int32 size = 3;
        uint64 big = 4;
        double ratio = 5;
        bool ready = 6;
        bytes data = 7;
        State state = 8;
        Mode mode = 9;
        repeated string tags = 10;
        repeated int32 sizes = 11;
        map<string, string> labels = 12;
        map<int32, Part> parts = 13;
        Address address = 14;
        Address other_address = 15;
        repeated Part items = 16;
        google.protobuf.Duration ttl = 17;
        google.protobuf.Timestamp made = 18;
        google.protobuf.Int64Value limit = 19;
        google.protobuf.StringValue text = 20;
        google.protobuf.BoolValue flag = 21;
        google.protobuf.Any any = 22;
        google.protobuf.Struct struct = 23;
        optional string nick = 24;
        oneof side { int32 left = 25; int32 right = 26; }
        t2.Old old2 = 27;
        float narrow = 28;
        string namespace = 29;
        int64 camel_case = 30;
        repeated google.protobuf.Timestamp times = 31;
    }
    message Target {
        int32 number = 1;
        uint32 unsigned = 2;
        int64 long = 3;
        uint64 ulong = 4;
        float narrow = 5;
        double wide = 6;
        bool flag = 7;
        string text = 8;
        bytes data = 9;
        State state = 10;
        repeated string texts = 11;
        map<string, int32> counts = 12;
        map<uint32, Box> boxes = 13;
        map<bool, string> answers = 14;
        Address address = 15;
        Place place = 16;
        Box box = 17;
        google.protobuf.Duration ttl = 18;
        google.protobuf.Timestamp made = 19;
        google.protobuf.Int32Value limit = 20;
        Item item = 21;
        google.protobuf.Any any = 22;
        repeated Address addresses = 23;
        repeated State states = 24;
    }
    message Scaler {
        message Metric { string type = 1; Resource resource = 2; }
        message Resource { string name = 1; Goal target = 2; }
        message Goal { string type = 1; optional int32 averageUtilization = 2; }
        repeated Metric metrics = 1;
        int32 targetCPUUtilizationPercentage = 2;
        repeated int64 ttls = 3;
        repeated string pairs = 4;
    }
"#;

const T2: &str = r#"
    syntax = "proto2";
    package t2;
    message Old {
        enum Mood { BAD = 1; GOOD = 2; }
        optional int32 answer = 1 [default = 42];
        optional string word = 2 [default = "none"];
        optional Mood mood = 3 [default = GOOD];
    }
"#;

const BARE: &str = r#"
    syntax = "proto3";
    enum PeerRole { Voter = 0; Learner = 1; }
    message Peer { PeerRole role = 1; }
"#;
