export { FakeKernel, type FakeKernelOptions, type FakeRequest, type Refusal } from './fake-kernel.ts';
export { type SinkCounts, sink } from './sink.ts';
