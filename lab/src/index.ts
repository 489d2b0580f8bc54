/** The lab library: nodes, pods and real BGP daemons in network namespaces, and the agent under test among them. */
export { type AgentOptions, type AgentPeer, type LabAgent, startAgent } from './agent.ts';
export { openBgp, shutBgp } from './bgp-gate.ts';
export { type Bird, birdConfig, startBird } from './bird.ts';
export { enterLab } from './enter.ts';
export { LabError, type LabErrorCode } from './errors.ts';
export { type Frr, frrConfig, startFrr } from './frr.ts';
export { type Gobgp, gobgpConfig, startGobgpd } from './gobgp.ts';
export { KernelWatch } from './kernel-watch.ts';
export { type BridgeOptions, createLab, type Lab } from './lab.ts';
export {
  ManifestCluster,
  type Member,
  nodeManifests,
  type PodRoute,
  podRoutes,
  readNodeManifests,
} from './manifest-cluster.ts';
export { type AnnotationPeer, ManifestFolder, type NodeManifest, nodeYaml, peersAnnotation } from './manifests.ts';
export { parseMetrics, type Sample } from './metrics.ts';
export type { EchoProtocol, HttpAnswer, NetNamespace } from './namespace.ts';
export type { LabNode, LinkOptions, NodeOptions } from './node.ts';
export type { PingStream, PingStreamResult } from './ping.ts';
export { lossTable, type PingLoss, pingLoss, type Way, waysBetween } from './ping-loss.ts';
export { describePing, type PingResult, pingMatrix } from './ping-matrix.ts';
export type { LabPod } from './pod.ts';
export { type Probe, Prober } from './prober.ts';
export {
  type CommandOptions,
  type CommandResult,
  type ExitStatus,
  LabProcess,
  type ProcessUsage,
  run,
  type SpawnOptions,
  tryRun,
} from './process.ts';
export { SimulatedMesh, type SimulatedNode, simulatedNode } from './simulated-mesh.ts';
export { changesInTrace, straceInto } from './system-call-watch.ts';
export type { Tor, TorConfig, TorNeighbor, TorRoute } from './tor.ts';
export { type Seen, type WaitOptions, waitFor, within } from './wait.ts';
