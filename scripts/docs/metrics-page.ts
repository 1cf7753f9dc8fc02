import { STATUS_GAUGES } from '../../src/telemetry/gauges.ts';
import { INSTRUMENTS } from '../../src/telemetry/metrics.ts';
import { code, table } from './markdown.ts';

/** Every metric with its labels and meaning. */
export const metricsPage = (): string => `# Metrics

\`GET /metrics\` of every agent, in Prometheus' text form.

## Counters and histograms

They begin at zero when the agent starts. Histograms have the usual \`_bucket\`, \`_sum\` and \`_count\`.

${table(
  ['name', 'kind', 'labels', 'meaning'],
  Object.values(INSTRUMENTS).map(({ name, kind, labels, help }) => [
    code(name),
    kind,
    labels.map(code).join(', '),
    help,
  ]),
)}

## Gauges

Read from the agent's status when they are asked for. All have the labels \`cluster\` and \`member\`. What is not known is left out,
never shown as zero.

${table(
  ['name', 'labels', 'meaning'],
  STATUS_GAUGES.map(({ name, labels, help }) => [code(name), labels.map(code).join(', '), help]),
)}
`;
