use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int32Array,
    Int64Array, LargeStringArray, StringArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};

use super::*;

fn column(kind: &str, scale: i64) -> Column {
    Column { name: "C".to_owned(), kind: kind.to_owned(), scale: Some(scale) }
}

/// A stream with one column, written by the same library's other half.
fn stream(array: ArrayRef) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("C", array.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn read(kind: &str, scale: i64, array: impl Array + 'static) -> Vec<Option<String>> {
    let rows = rows(&stream(Arc::new(array)), &[column(kind, scale)]).unwrap();
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

fn parts(fields: &[(&str, ArrayRef)]) -> StructArray {
    let fields = fields.iter().map(|(name, array)| {
        (Arc::new(Field::new(*name, array.data_type().clone(), true)), Arc::clone(array))
    });
    fields.collect::<Vec<_>>().into()
}

#[test]
fn cells_are_those_of_json() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(read("text", 0, StringArray::from(vec![Some("a"), None])), [text("a"), None]);
    assert_eq!(read("variant", 0, LargeStringArray::from(vec!["{}"])), [text("{}")]);
    assert_eq!(read("boolean", 0, BooleanArray::from(vec![true, false])), [text("true"), text("false")]);
    assert_eq!(read("fixed", 0, Int8Array::from(vec![-7])), [text("-7")]);
    assert_eq!(read("fixed", 2, Int32Array::from(vec![1250])), [text("12.50")]);
    let decimals = Decimal128Array::from(vec![5_i128]).with_precision_and_scale(38, 3).unwrap();
    assert_eq!(read("fixed", 3, decimals), [text("0.005")]);
    assert_eq!(read("real", 0, Float64Array::from(vec![1.5, 1e300])), [text("1.5"), text("1e300")]);
    assert_eq!(read("date", 0, Date32Array::from(vec![19675])), [text("2023-11-14")]);
    assert_eq!(read("time", 9, Int64Array::from(vec![79_990_123_000_000])), [text("22:13:10.123000")]);
    assert_eq!(read("binary", 0, BinaryArray::from(vec![&b"\xDE\xAD"[..]])), [text("DEAD")]);
    assert_eq!(
        read("timestamp_ntz", 3, Int64Array::from(vec![1_700_000_000_123])),
        [text("2023-11-14 22:13:20.123000")]
    );
    let epoch: ArrayRef = Arc::new(Int64Array::from(vec![1_700_000_000, -1]));
    let fraction: ArrayRef = Arc::new(Int32Array::from(vec![123_000_000, 500_000_000]));
    let timezone: ArrayRef = Arc::new(Int32Array::from(vec![1530, 1440]));
    let two = parts(&[("epoch", Arc::clone(&epoch)), ("fraction", Arc::clone(&fraction))]);
    assert_eq!(
        read("timestamp_ntz", 9, two.clone()),
        [text("2023-11-14 22:13:20.123000"), text("1969-12-31 23:59:59.500000")]
    );
    assert_eq!(read("timestamp_ltz", 9, two)[0], text("2023-11-14 22:13:20.123000+00:00"));
    let three =
        parts(&[("epoch", Arc::clone(&epoch)), ("fraction", fraction), ("timezone", Arc::clone(&timezone))]);
    assert_eq!(read("timestamp_tz", 9, three)[0], text("2023-11-14 23:43:20.123000+01:30"));
    let short = parts(&[("epoch", epoch), ("timezone", timezone)]);
    assert_eq!(read("timestamp_tz", 0, short)[0], text("2023-11-14 23:43:20.000000+01:30"));
}

#[test]
fn what_cannot_be_read_is_named() {
    let whole = stream(Arc::new(StringArray::from(vec!["a"; 100])));
    assert!(rows(&whole[..whole.len() / 2], &[column("text", 0)]).is_err(), "a stream that was cut off");
    let error = rows(&whole, &[column("text", 0), column("text", 0)]).unwrap_err();
    assert_eq!(error, "2 columns were announced and 1 came");
    let odd = stream(Arc::new(parts(&[("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef)])));
    let error = rows(&odd, &[column("object", 0)]).unwrap_err();
    assert!(error.contains("column C of type object"), "{error}");
    assert!(rows(b"", &[]).is_err());
}
