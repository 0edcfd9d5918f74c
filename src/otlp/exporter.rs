//! Hands spans over to the collector, and tells how that goes.

use std::fmt;
use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use super::collector::Standing;
use super::shape;

/// The SDK's thread waits for each batch; the collector's thread does it.
pub(super) struct Exporter {
    client: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
    standing: Arc<Standing>,
}

impl Exporter {
    pub(super) fn new(client: opentelemetry_otlp::SpanExporter, runtime: Handle, standing: Arc<Standing>) -> Self {
        Self { client: Arc::new(client), runtime, standing }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        batch.iter_mut().for_each(shape::shape);
        let client = self.client.clone();
        let result = match self.runtime.spawn(async move { client.export(batch).await }).await {
            Ok(result) => result,
            Err(ended) => Err(OTelSdkError::InternalFailure(ended.to_string())),
        };
        match &result {
            Ok(()) => self.standing.took(),
            Err(why) => self.standing.failed(spans, why),
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        // The SDK says it before the first batch, when nobody else has it.
        if let Some(client) = Arc::get_mut(&mut self.client) {
            client.set_resource(resource);
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exporter").field("standing", &self.standing).finish_non_exhaustive()
    }
}
