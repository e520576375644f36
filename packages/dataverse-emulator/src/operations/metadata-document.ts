import { escapeXml } from '../odata/xml.ts';
import { edmTypeOf } from '../schema/column-values.ts';
import type { TableModel } from '../schema/table-model.ts';
import { readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

/** Bulk messages the document lists; `DeleteMultiple` is a private action and is left out, as in the real one. */
const listedMessages = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'];

/**
 * `GET /$metadata`: the tables with columns, keys and navigation properties, and the bulk messages; no labels, no annotations.
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/web-api-service-documents
 */
export function metadataDocument(environment: Environment, _request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () => {
      const models = [...environment.database.tables()].map(({ model }) => model);
      const types = models.map((model) => entityType(environment, model)).join('');
      const sets = models.map(
        ({ entitySetName, logicalName }) => `<EntitySet Name="${entitySetName}" EntityType="mscrm.${logicalName}" />`,
      );
      const body =
        '<?xml version="1.0" encoding="utf-8"?>' +
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>' +
        '<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">' +
        '<EntityType Name="crmbaseentity" Abstract="true" />' +
        types +
        listedMessages.map(action).join('') +
        `<EntityContainer Name="System">${sets.join('')}</EntityContainer>` +
        '</Schema></edmx:DataServices></edmx:Edmx>';
      return { status: 200, headers: { 'Content-Type': 'application/xml' }, body };
    },
  };
}

function entityType({ database }: Environment, model: TableModel): string {
  const { definition } = model;
  const properties = model.columns.map(
    ({ property, isLookup, definition: column }) =>
      `<Property Name="${property}" Type="${isLookup ? 'Edm.Guid' : edmTypeOf(column)}" />`,
  );
  const single = model.navigations.map(
    ({ name, targets }) => `<NavigationProperty Name="${name}" Type="mscrm.${targets[0] ?? 'crmbaseentity'}" />`,
  );
  const collections = [...database.collections(model.logicalName).values()].map(
    ({ name, table }) => `<NavigationProperty Name="${escapeXml(name)}" Type="Collection(mscrm.${table})" />`,
  );
  const id = definition.primaryIdColumn;
  return (
    `<EntityType Name="${model.logicalName}" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="${id}" /></Key>` +
    `<Property Name="${id}" Type="Edm.Guid" />${[...properties, ...single, ...collections].join('')}</EntityType>`
  );
}

const action = (name: string): string =>
  `<Action Name="${name}" IsBound="true"><Parameter Name="entityset" Type="Collection(mscrm.crmbaseentity)" Nullable="false" />` +
  '<Parameter Name="Targets" Type="Collection(mscrm.crmbaseentity)" Nullable="false" /></Action>';
