import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { citiesCsv, csvCell, loadCities, type City } from '../../../scripts/geonames-csv.ts';

const city: City = {
  cityId: 1,
  name: 'Xeraco, "Jaraco"',
  country: 'ES',
  adminCode: '',
  featureCode: 'PPL',
  population: 0,
  loc: { coordinates: [-0.00001, 39.03] },
};

test('a city becomes one line under a header of column names', () => {
  expect(citiesCsv([city])).toBe(
    'fan_geonameid,fan_name,fan_country,fan_admin,fan_featurecode,fan_population,fan_latitude,fan_longitude\n' +
      '1,"Xeraco, ""Jaraco""",ES,,PPL,0,39.03,-0.00001\n',
  );
});

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a,b', '"a,b"'],
  ['say "a"', '"say ""a"""'],
  ['two\nlines', '"two\nlines"'],
  [' edge', '" edge"'],
])('the cell %j is written as %j', (text, cell) => {
  expect(csvCell(text)).toBe(cell);
});

test('two cities with one id are refused', () => {
  expect(() => citiesCsv([city, city])).toThrow('GeoNames id 1 occurs twice');
});

test('every place of the package is read back by another parser as it was', () => {
  const cities = loadCities();
  const rows = parse<Record<string, string>>(citiesCsv(cities), { columns: true });
  expect(cities.length).toBeGreaterThan(100_000);
  expect(rows).toHaveLength(cities.length);
  const differing = rows.filter((row, index) => {
    const { cityId, name, adminCode, population, loc } = cities[index]!;
    const numbers = [row['fan_geonameid'], row['fan_population'], row['fan_latitude'], row['fan_longitude']].map(
      Number,
    );
    const wanted = [cityId, population, loc.coordinates[1], loc.coordinates[0]];
    return row['fan_name'] !== name || row['fan_admin'] !== adminCode || numbers.join() !== wanted.join();
  });
  expect(differing).toEqual([]);
});
