//! Histories of goroutines as letters.
