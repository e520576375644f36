import { asObject } from './read-json.ts';
import type { ColumnMetadata, ColumnOption, ColumnType } from './table.ts';

/** What only the definition cast to its own type tells; columns as in learn.microsoft.com's metadata reference. */
const typedSelects = {
  String: '$select=LogicalName,MaxLength',
  Memo: '$select=LogicalName,MaxLength',
  Integer: '$select=LogicalName,MinValue,MaxValue',
  Decimal: '$select=LogicalName,MinValue,MaxValue,Precision',
  Double: '$select=LogicalName,MinValue,MaxValue,Precision',
  Money: '$select=LogicalName,MinValue,MaxValue,Precision',
  DateTime: '$select=LogicalName,DateTimeBehavior',
  Picklist: '$select=LogicalName&$expand=OptionSet,GlobalOptionSet',
  State: '$select=LogicalName&$expand=OptionSet,GlobalOptionSet',
  Status: '$select=LogicalName&$expand=OptionSet,GlobalOptionSet',
  MultiSelectPicklist: '$select=LogicalName&$expand=OptionSet,GlobalOptionSet',
} as const satisfies Partial<Record<ColumnType, string>>;

const plainTypes = ['BigInt', 'Boolean', 'Lookup', 'Customer', 'Owner', 'Uniqueidentifier'] as const;
const knownTypes = new Set<string>([...Object.keys(typedSelects), ...plainTypes]);

type Definition = Readonly<Record<string, unknown>>;

/** One query for each type among the columns that has something more to tell. */
export function typedColumnQueries(attributes: readonly unknown[]): { readonly path: string }[] {
  const present = new Set(attributes.map((attribute) => typeOf(definitionOf(attribute))));
  return Object.entries(typedSelects)
    .filter(([type]) => present.has(type as ColumnType))
    .map(([type, query]) => ({ path: `Microsoft.Dynamics.CRM.${type}AttributeMetadata?${query}` }));
}

/** Joins the columns with what the casts told of them. */
export function readColumns(attributes: readonly unknown[], typed: readonly unknown[]): ColumnMetadata[] {
  const typedByName = new Map(typed.map(definitionOf).map((definition) => [definition['LogicalName'], definition]));
  return attributes.map(definitionOf).map((definition) => ({
    logicalName: String(definition['LogicalName']),
    type: typeOf(definition),
    required: isRequired(definition),
    validForCreate: definition['IsValidForCreate'] === true,
    validForUpdate: definition['IsValidForUpdate'] === true,
    ...typeFacts(typedByName.get(definition['LogicalName']) ?? {}),
  }));
}

/** Newer types, multi-select among them, have only the general type `Virtual` and a type name of their own. */
function typeOf(definition: Definition): ColumnType {
  const general = definition['AttributeType'];
  const named = valueOf(definition['AttributeTypeName']);
  if (named === 'MultiSelectPicklistType') return 'MultiSelectPicklist';
  return typeof general === 'string' && knownTypes.has(general) ? (general as ColumnType) : 'Other';
}

/** The service itself insists only on `SystemRequired`; `ApplicationRequired` is a matter of forms. */
function isRequired(definition: Definition): boolean {
  return valueOf(definition['RequiredLevel']) === 'SystemRequired';
}

function typeFacts(definition: Definition): Partial<ColumnMetadata> {
  const behavior = valueOf(definition['DateTimeBehavior']);
  const options = optionsOf(definition['OptionSet']) ?? optionsOf(definition['GlobalOptionSet']);
  return {
    ...numberFact(definition, 'MaxLength', 'maxLength'),
    ...numberFact(definition, 'MinValue', 'minValue'),
    ...numberFact(definition, 'MaxValue', 'maxValue'),
    ...numberFact(definition, 'Precision', 'precision'),
    ...(isBehavior(behavior) && { dateTimeBehavior: behavior }),
    ...(options !== undefined && { options }),
  };
}

function numberFact<K extends string>(definition: Definition, name: string, key: K): Partial<Record<K, number>> {
  const value = definition[name];
  return typeof value === 'number' ? ({ [key]: value } as Record<K, number>) : {};
}

function isBehavior(value: unknown): value is NonNullable<ColumnMetadata['dateTimeBehavior']> {
  return value === 'UserLocal' || value === 'DateOnly' || value === 'TimeZoneIndependent';
}

function optionsOf(optionSet: unknown): ColumnOption[] | undefined {
  const options = definitionOf(optionSet)['Options'];
  if (!Array.isArray(options)) return undefined;
  return options.map(definitionOf).flatMap((option) => {
    const value = option['Value'];
    const label = definitionOf(definitionOf(option['Label'])['UserLocalizedLabel'])['Label'];
    return typeof value === 'number' ? [{ value, ...(typeof label === 'string' && { label }) }] : [];
  });
}

function valueOf(wrapped: unknown): unknown {
  return definitionOf(wrapped)['Value'];
}

function definitionOf(value: unknown): Definition {
  return asObject(value) ?? {};
}
