/** A guard, and how to take it away: `find` is there exactly once in `file`, and `put` stands in its place. */
export interface Guard {
  readonly guard: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** Tests that are asked, beside the seeds. */
  readonly tests?: readonly string[];
}

const unit = (file: string): string => `test/unit/${file}.test.ts`;
const ledger = 'test/contract/ledger/ledger.test.ts';
const lane = unit('activities/lane');
const report = unit('plan/report');
const repeats = unit('dataverse/repeated-rows');
const contract = 'test/contract/dataverse/write-rows.test.ts';

export const guards: readonly Guard[] = [
  {
    guard: 'the id of a created row is a function of run and row',
    file: 'src/mapping/row-encoder.ts',
    find: "id: prefix + row.row.toString(16).padStart(12, '0')",
    put: "id: prefix + Math.floor(Math.random() * 2 ** 47).toString(16).padStart(12, '0')",
  },
  {
    guard: 'a part is written only if there is none',
    file: 'src/ledger/parts.ts',
    find: 'const { first } = await putOnce(container, name, body, {',
    put: "const first = true; await (await import('./blobs.ts')).put(container, name, body, {",
    tests: [ledger],
  },
  {
    guard: 'books that do not tile end as inconsistent',
    file: 'src/plan/report.ts',
    find: "ending.state === 'completed' && !proof.tiles ? 'inconsistent' : ending.state",
    put: 'ending.state',
    tests: [report],
  },
  {
    guard: 'sums of parts are checked',
    file: 'src/plan/report.ts',
    find: 'fold.sumsAgree &&= totalOf(part.counts) === part.rowCount;',
    put: '',
    tests: [report],
  },
  {
    guard: 'parts of an earlier life are adopted, not sent again',
    file: 'src/activities/lane.ts',
    find: 'if (part !== undefined) {',
    put: 'if (part !== undefined && lane.deps === undefined) {',
    tests: [lane],
  },
  {
    guard: 'a chunk of unknown fate leaves a mark',
    file: 'src/activities/slice-sender.ts',
    find: 'await lane.deps.ledger.markIntent(runId, builder.nextRow());',
    put: '',
    tests: [lane],
  },
  {
    guard: 'refusals in a contested slice are sent once more',
    file: 'src/activities/write-chunk.ts',
    find: 'const again = await lookTwice(sending, rows, first.outcomes);',
    put: 'const again = (lookTwice, []);',
    tests: [lane],
  },
  {
    guard: 'a refused row that may have been sent before is looked up',
    file: 'src/dataverse/pending-row.ts',
    find: 'if (pending.repeat && !pending.shadowed && !isNoUpdate)',
    put: 'if (isNoUpdate && pending.sends < 0)',
    tests: [repeats, contract],
  },
  {
    guard: 'a read that contradicts the refusal is asked again (elastic tables)',
    file: 'src/dataverse/verify-refused.ts',
    find: 'Elastic: [1_000, 2_000, 4_000],',
    put: 'Elastic: [],',
    tests: [repeats],
  },
  {
    guard: 'what a refused request left open is left alone until it can come no longer',
    file: 'src/dataverse/verify-refused.ts',
    find: 'if (open.length > 0 && waitMs > 0) throw',
    put: 'if (open.length < 0) throw',
    tests: [contract],
  },
  {
    guard: 'a slice that was set aside is not worked on before it is due',
    file: 'src/plan/wave.ts',
    find: 'const work = due.length > 0 ? due : run.pending;',
    put: 'const work = due.length < 0 ? due : run.pending;',
    tests: [unit('plan/run-state'), unit('plan/wave')],
  },
  {
    guard: 'a twin of a life that takes a slice up again is noticed',
    file: 'src/activities/standing.ts',
    find: 'isAlone: isFirst && !(await ledger.isContested(runId, slice.firstRow, dueAt))',
    put: 'isAlone: isFirst || dueAt.length > 0',
    tests: [unit('activities/lane-aside')],
  },
  {
    guard: 'what came since the run began is told by the environment’s clock',
    file: 'src/dataverse/server-clock.ts',
    find: 'return best.fromMs;',
    put: 'return 0;',
    tests: [unit('dataverse/server-clock'), contract],
  },
  {
    guard: 'rows lost sight of are looked up before the books close',
    file: 'src/orchestrators/bulk-run.ts',
    find: 'if (run.ending !== null) yield* settle(context, input, run);',
    put: 'void settle;',
  },
  {
    guard: 'what a look does not find is looked for again after the settle time',
    file: 'src/activities/judge-version.ts',
    find: "return look === 'first' ? undefined : { row: row.row, outcome: 'notAttempted' };",
    put: "return { row: row.row, outcome: 'notAttempted' };",
    tests: [unit('activities/judge-version')],
  },
  {
    guard: 'an unreadable row is looked up again',
    file: 'src/activities/judge-version.ts',
    find: "return look === 'last' ? unknown(row, version.reason) : undefined;",
    put: 'return unknown(row, version.reason);',
    tests: [unit('activities/judge-version')],
  },
  {
    guard: 'of rows with one key only the last is sent',
    file: 'src/activities/chunks.ts',
    find: 'if (lastRow === undefined) return undefined;',
    put: 'if (lastRow === undefined || lastRow > 0) return undefined;',
  },
  {
    guard: 'a row that no part covers is superseded like any other',
    file: 'src/activities/selected-rows.ts',
    find: 'yield outcomeOfRepeated(plan, duplicates, row) ?? {',
    put: 'yield {',
    tests: [unit('activities/spool-rows')],
  },
  {
    guard: 'a process that wakes late sends nothing',
    file: 'src/dataverse/attempt.ts',
    find: 'if (clock.now() > request.deadlineAtMs + longestOverrunMs)',
    put: 'if (clock.now() > request.deadlineAtMs + 1e12)',
    tests: [unit('dataverse/client')],
  },
  {
    guard: 'a lane looks at box and cancel before each request',
    file: 'src/activities/slice-sender.ts',
    find: 'const stop = (await stopBefore(lane)) ?? (await sendChunk(lane, slice, chunk, standing, builder));',
    put: 'const stop = await sendChunk(lane, slice, chunk, standing, builder);',
    tests: [lane],
  },
  {
    guard: 'a cancel ends waits',
    file: 'src/activities/stop-signal.ts',
    find: 'stop.abort(new LaneStoppedError(mark));',
    put: '',
    tests: [lane],
  },
  {
    guard: 'fifty rows in a row with one code stop the run',
    file: 'src/activities/breaker.ts',
    find: 'count >= inARow',
    put: 'count >= inARow * 1e9',
    tests: [unit('activities/breaker')],
  },
  {
    guard: 'the first request goes alone',
    file: 'src/plan/run-state.ts',
    find: 'const most = isProbing(run) ? 1 : bounds.maxLanes;',
    put: 'const most = bounds.maxLanes;',
    tests: [unit('plan/run-state')],
  },
  {
    guard: 'more rejected rows than tolerated stop the run',
    file: 'src/plan/absorb.ts',
    find: "if (exceeded !== undefined) return { state: 'stopped', reason: exceeded };",
    put: '',
    tests: [unit('plan/run-state')],
  },
  {
    guard: 'cells for people never begin like a formula',
    file: 'src/source/csv-text.ts',
    find: `text.replace(formula, "'$1$2")`,
    put: 'text',
    tests: [unit('source/csv-text')],
  },
  {
    guard: 'every read of the source names its version',
    file: 'src/source/blob-source.ts',
    find: 'blobOf(pin).downloadToBuffer(from, to - from, { conditions: { ifMatch: pin.etag } })',
    put: 'blobOf(pin).downloadToBuffer(from, to - from)',
    tests: [ledger],
  },
  {
    guard: 'a part names the bytes it speaks of by digest',
    file: 'src/activities/part-builder.ts',
    find: '.update(bytes.subarray(range.from - from, range.to - from))',
    put: '.update(bytes)',
  },
  {
    guard: 'the first report stays',
    file: 'src/ledger/ledger.ts',
    find: 'const { first } = await putOnce(container, name, JSON.stringify(report, null, 2), json);',
    put: 'const first = true; await put(container, name, JSON.stringify(report, null, 2), json);',
    tests: [ledger],
  },
  {
    guard: 'every row that was not attempted in a part has a line',
    file: 'src/activities/part-builder.ts',
    find: "|| outcome === 'notAttempted'",
    put: '',
  },
  {
    guard: 'a redrive takes only rows that are left',
    file: 'src/plan/lineage.ts',
    find: "if (row.reason === 'superseded' || !outcomes.some((outcome) => outcome === row.outcome)) return false;",
    put: 'void outcomes;',
  },
  {
    guard: 'an undo deletes only rows that nobody has changed',
    file: 'src/dataverse/find-unchanged.ts',
    find: 'if (etag !== undefined && createdOn === modifiedOn)',
    put: 'if (etag !== undefined)',
  },
  {
    guard: 'a throttle while opening is waited for',
    file: 'src/activities/check-run.ts',
    find: 'if (error instanceof ThrottledError) return { waitSeconds:',
    put: 'if (error instanceof ThrottledError && client === undefined) return { waitSeconds:',
    tests: [unit('activities/open-run')],
  },
  {
    guard: 'a wait that was ordered is kept by everybody',
    file: 'src/dataverse/throttle-gate.ts',
    find: 'if (waitMs > 0) await this.#clock.sleep(waitMs, signal);',
    put: 'if (waitMs > 0) await this.#clock.sleep(waitMs / 2, signal).then(() => (this.#notBeforeMs = 0));',
    tests: [unit('dataverse/throttle-gate')],
  },
  {
    guard: 'a refused token is replaced by one from the authority itself',
    file: 'src/dataverse/tokens.ts',
    find: 'credential.renew(scope, { abortSignal, claims })',
    put: 'credential.getToken(scope, { abortSignal, ...(claims !== undefined && { claims }) })',
    tests: [unit('dataverse/tokens'), 'test/contract/dataverse/tokens.test.ts'],
  },
  {
    guard: 'a wait that was ordered outlives the host that heard of it',
    file: 'src/activities/wait-recall.ts',
    find: 'client.keepWait(wait);',
    put: 'void client;',
    tests: [unit('activities/ordered-waits')],
  },
  {
    guard: 'an upsert race is sent once more',
    file: 'src/dataverse/pending-row.ts',
    find: "return 'again';\n  }\n  settleRefusal",
    put: 'void call;\n  }\n  settleRefusal',
    tests: [unit('dataverse/isolate-bad-rows')],
  },
  {
    guard: 'resume computes what is pending from the parts',
    file: 'src/activities/read-books.ts',
    find: 'pending: pendingStretches(index, parts),',
    put: 'pending: pendingStretches(index, []),',
    tests: [unit('activities/read-books')],
  },
  {
    guard: 'an answer counts only whole: as many ids as rows',
    file: 'src/dataverse/bulk-messages.ts',
    find: 'ids.length !== rows.length',
    put: 'ids.length < 0',
    tests: [unit('dataverse/bodies'), unit('dataverse/fuzz')],
  },
  {
    guard: 'the parts of a batch answer are counted',
    file: 'src/dataverse/odata-batch-answer.ts',
    find: 'if (parts.length !== operationCount && !mayBeFewer) {',
    put: 'if (parts.length < operationCount && operationCount < 0) {',
    tests: [unit('dataverse/odata-batch-answer')],
  },
];
