import type { Rejection } from '../plan/outcome.ts';
import type { Cell, SourceRow } from '../source/source-row.ts';
import { valueEncoder } from './column-encoders.ts';
import { directEncoder, directRoom, type DirectEncoder } from './direct-encoders.ts';
import { encodeCell, type PreparedCell } from './encode-cell.ts';
import type { MappingPlan, PlannedColumn } from './mapping-plan.ts';
import { RowMembers } from './row-members.ts';

interface PreparedMember extends PreparedCell {
  /** Bytes of `"name":` or `"nav@odata.bind":`. */
  readonly before: Buffer;
  /** Bytes of the whole member for an empty value; none leave it out. */
  readonly whenEmpty: Buffer;
  /** An empty text is a value of text columns and nothing at all elsewhere. */
  readonly isText: boolean;
  readonly direct: PreparedDirect | undefined;
}

interface PreparedDirect {
  readonly encode: DirectEncoder;
  /** Bytes of the name and of what stands around the value. */
  readonly before: Buffer;
  readonly after: Buffer;
}

function prepareMember(planned: PlannedColumn, empty: MappingPlan['empty']): PreparedMember {
  const { column, bind, source } = planned;
  const property = bind?.navigationProperty ?? column.logicalName;
  const before = `${JSON.stringify(bind === undefined ? property : `${property}@odata.bind`)}:`;
  const encode = directEncoder(planned);
  const [opening, closing] = bind === undefined ? ['', ''] : [`"/${bind.entitySetName}(`, ')"'];
  return {
    source,
    name: column.logicalName,
    encode: valueEncoder(planned),
    before: Buffer.from(before),
    whenEmpty: Buffer.from(empty === 'null' ? `${JSON.stringify(property)}:null` : ''),
    isText: column.type === 'String' || column.type === 'Memo',
    direct: encode && { encode, before: Buffer.from(before + opening), after: Buffer.from(closing) },
  };
}

/** The members of a row, or the first misfit. */
export function createMembersEncoder(plan: MappingPlan): (row: SourceRow) => RowMembers | Rejection {
  const prepared = plan.members.map((planned) => prepareMember(planned, plan.empty));
  const writer = new MembersWriter();
  return (row) => {
    writer.begin();
    const { cells } = row;
    for (const member of prepared) {
      const { direct, source } = member;
      const isRange = direct !== undefined && cells.isRange(source);
      if (isRange && writer.addDirect(direct, cells.text, cells.from(source), cells.to(source))) continue;
      const cell = cells.at(source);
      // A member that a JSON record does not have is left alone, whatever an empty value means.
      if (cell === undefined) continue;
      if (cell === null || (cell === '' && !member.isText)) {
        writer.addBytes(member.whenEmpty);
      } else if (isRange || !isDirectlyAdded(writer, direct, cell)) {
        const encoded = encodeCell(row, cell, member);
        if (typeof encoded !== 'string') return encoded;
        writer.addText(member.before, encoded);
      }
    }
    return writer.end();
  };
}

function isDirectlyAdded(writer: MembersWriter, direct: PreparedDirect | undefined, cell: Cell): boolean {
  return direct !== undefined && typeof cell === 'string' && writer.addDirect(direct, cell, 0, cell.length);
}

/** About a hundred rows. */
const blockBytes = 64 * 1024;
const comma = 44;

/** Puts the members of one row behind those of the other into blocks of bytes. */
class MembersWriter {
  #bytes = Buffer.allocUnsafeSlow(blockBytes);
  #first = 0;
  #at = 0;

  begin(): void {
    this.#first = this.#at;
  }

  /** The members since `begin`. */
  end(): RowMembers {
    return new RowMembers(this.#bytes, this.#first, this.#at);
  }

  addBytes(member: Buffer): void {
    if (member.length === 0) return;
    this.#beginMember(member.length);
    this.#put(member);
  }

  addText(before: Buffer, value: string): void {
    this.#beginMember(before.length + value.length);
    this.#put(before);
    this.#at += this.#bytes.write(value, this.#at, 'latin1');
  }

  /** False, with nothing added, when the cell is not of the plain form. */
  addDirect({ encode, before, after }: PreparedDirect, text: string, from: number, to: number): boolean {
    const written = this.#at - this.#first;
    this.#beginMember(before.length + to - from + directRoom + after.length);
    this.#put(before);
    const end = encode(text, from, to, this.#bytes, this.#at);
    if (end < 0) {
      this.#at = this.#first + written;
      return false;
    }
    this.#at = end;
    if (after.length > 0) this.#put(after);
    return true;
  }

  #beginMember(room: number): void {
    if (this.#at + room + 1 > this.#bytes.length) this.#beginBlock(room + 1);
    if (this.#at > this.#first) this.#bytes[this.#at++] = comma;
  }

  #put(bytes: Buffer): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** The row that does not fit takes its members along; rows before it keep the old block. */
  #beginBlock(room: number): void {
    const begun = this.#bytes.subarray(this.#first, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(blockBytes, (begun.length + room) * 2));
    this.#bytes.set(begun);
    this.#first = 0;
    this.#at = begun.length;
  }
}
