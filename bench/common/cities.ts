/** Rows for the table of the GeoNames sample, the same for every client. */
export interface City {
  readonly fan_geonameid: number;
  readonly fan_name: string;
  readonly fan_country: string;
  readonly fan_population: number;
}

export const cityTable = { logicalName: 'fan_city', entitySetName: 'fan_cities' } as const;

export const cityOf = (row: number): City => ({
  fan_geonameid: row,
  fan_name: `City number ${row}, Zürich "${row % 7}"`,
  fan_country: 'CH',
  fan_population: row * 3,
});

export function citiesCsv(rowCount: number): string {
  const lines = Array.from({ length: rowCount }, (_, at) => {
    const { fan_geonameid, fan_name, fan_country, fan_population } = cityOf(at + 1);
    return `${fan_geonameid},"${fan_name.replaceAll('"', '""')}",${fan_country},${fan_population}\n`;
  });
  return `fan_geonameid,fan_name,fan_country,fan_population\n${lines.join('')}`;
}
