// What `arc-eval/client` is to other programs. Inside Arc, files import each other.
export { exactNumber } from '../exactNumbers.ts'
export {
  type AlertStep,
  type AmendmentBatcher,
  ArcClient,
  type ArcClientOptions,
  type Change,
  type ConfigComparison,
  type ConfigDiff,
  type Configuration,
  type ConfigVersion,
  type Health,
  type Metrics,
  type OutcomeBatcher,
  type ScenarioOutcome,
  type Simulation,
  type SimulationEvent,
  type SimulationProgress,
} from './arcClient.ts'
export { type ArcErrorDetail, ArcRequestError } from './arcRequestError.ts'
export type { CallOptions, RequestOptions } from './connection.ts'
export type { EnsuredVersion } from './ensureConfigVersion.ts'
export type { KeepAlive, KeepAliveOptions } from './keepAlive.ts'
export type {
  AmendmentStatus,
  ConfigurationFilter,
  CreateConfigurationInput,
  CreateConfigVersionInput,
  EmbeddingInput,
  EmbeddingStatus,
  ErrorCategory,
  ErrorCode,
  HeartbeatInput,
  OutcomeAmendmentInput,
  OutcomeInput,
  OutcomeReceiptStatus,
  OutcomeStatus,
  ReceiptStatus,
  ScenarioInput,
  SetLatestVersionInput,
  SimulationEventKind,
  SimulationStatus,
  StartSimulationInput,
  SuiteResultInput,
  TimeGrain,
} from './operations.ts'
export type { OwnEmbedding } from './ownEmbedding.ts'
export type { PageOptions, TimeRange } from './pages.ts'
export type {
  Performance,
  PerformanceBucket,
  PerformanceBuckets,
  PerformanceGroup,
  PerformanceSummary,
} from './performance.ts'
export type { BatchLimits } from './rowBatcher.ts'
export type {
  AmendmentReceipt,
  EmbeddingReceipt,
  OutcomeReceipt,
  ScenarioReceipt,
  ScenarioResult,
} from './rowKinds.ts'
export type { SubscribeOptions } from './subscription.ts'
export type { Token } from './token.ts'
export type { TypedDocument } from './typedDocument.ts'
