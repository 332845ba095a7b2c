; ModuleID = "bnnc"
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"

define internal void @"fused.1"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".17" = getelementptr i64, ptr %".1", i64 2
  %".18" = load ptr, ptr %".17", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".10" = phi  i64 [%".2", %"body"], [%".56", %"done.1"]
  %".11" = icmp slt i64 %".10", %".3"
  br i1 %".11", label %"do", label %"done"
do:
  br label %"loop.1"
done:
  ret void
loop.1:
  %".14" = phi  i64 [0, %"do"], [%".33", %"do.1"]
  %".15" = icmp slt i64 %".14", 64
  br i1 %".15", label %"do.1", label %"done.1"
do.1:
  %".19" = mul nsw i64 %".10", 280
  %".20" = mul nsw i64 %".14", 4
  %".21" = add nsw i64 %".19", %".20"
  %".22" = getelementptr i8, ptr %".18", i64 %".21"
  %".23" = load <16 x float>, ptr %".22", align 4
  %".24" = fcmp oge <16 x float> %".23", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".25" = bitcast <16 x i1> %".24" to i16
  %".26" = udiv i64 %".14", 8
  %".27" = mul i64 %".26", 8
  %".28" = sub i64 %".14", %".27"
  %".29" = mul nsw i64 %".10", 16
  %".30" = getelementptr i8, ptr %".8", i64 %".29"
  %".31" = getelementptr i8, ptr %".30", i64 %".26"
  store i16 %".25", ptr %".31", align 2
  %".33" = add nsw i64 %".14", 16
  br label %"loop.1"
done.1:
  %".35" = mul nsw i64 %".10", 280
  %".36" = add nsw i64 %".35", 256
  %".37" = getelementptr i8, ptr %".18", i64 %".36"
  %".38" = load <4 x float>, ptr %".37", align 4
  %".39" = shufflevector <4 x float> %".38", <4 x float> <float 0.0, float 0.0, float 0.0, float 0.0>, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4>
  %".40" = getelementptr i8, ptr %".37", i64 16
  %".41" = load <2 x float>, ptr %".40", align 4
  %".42" = shufflevector <2 x float> %".41", <2 x float> <float 0.0, float 0.0>, <16 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".43" = shufflevector <16 x float> %".39", <16 x float> %".42", <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 16, i32 17, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %".44" = fcmp oge <16 x float> %".43", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".45" = bitcast <16 x i1> %".44" to i16
  %".46" = and i16 %".45", 63
  %".47" = mul nsw i64 %".10", 16
  %".48" = getelementptr i8, ptr %".8", i64 %".47"
  %".49" = getelementptr i8, ptr %".48", i64 8
  %".50" = lshr i16 %".46", 0
  store i16 %".50", ptr %".49", align 2
  %".52" = getelementptr i8, ptr %".49", i64 2
  store i32 0, ptr %".52", align 4
  %".54" = getelementptr i8, ptr %".49", i64 6
  store i16 0, ptr %".54", align 2
  %".56" = add nsw i64 %".10", 1
  br label %"loop"
}

define internal void @"fused.2"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".9" = getelementptr i64, ptr %".1", i64 2
  %".10" = load ptr, ptr %".9", align 8, !invariant.load !0
  %".11" = getelementptr i64, ptr %".1", i64 3
  %".12" = load ptr, ptr %".11", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".14" = phi  i64 [%".2", %"body"], [%".300", %"done.2"]
  %".15" = icmp slt i64 %".14", %".3"
  br i1 %".15", label %"do", label %"done"
do:
  %".17" = add nsw i64 %".14", 64
  %".18" = icmp slt i64 %".17", %".3"
  %".19" = select  i1 %".18", i64 %".17", i64 %".3"
  %".20" = sub nsw i64 %".19", %".14"
  %".21" = udiv i64 %".20", 2
  %".22" = mul i64 %".21", 2
  %".23" = sub i64 %".20", %".22"
  %".24" = mul nsw i64 %".21", 2
  %".25" = add nsw i64 %".14", %".24"
  br label %"loop.1"
done:
  ret void
loop.1:
  %".27" = phi  i64 [%".14", %"do"], [%".203", %"do.1"]
  %".28" = icmp slt i64 %".27", %".25"
  br i1 %".28", label %"do.1", label %"done.1"
do.1:
  %".30" = mul nsw i64 %".27", 16
  %".31" = getelementptr i8, ptr %".8", i64 %".30"
  %".32" = load i32, ptr %".31", align 4
  %".33" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".32", i32 0
  %".34" = shufflevector <8 x i32> %".33", <8 x i32> %".33", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".35" = getelementptr i8, ptr %".31", i64 4
  %".36" = load i32, ptr %".35", align 4
  %".37" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".36", i32 0
  %".38" = shufflevector <8 x i32> %".37", <8 x i32> %".37", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".39" = getelementptr i8, ptr %".31", i64 8
  %".40" = load i32, ptr %".39", align 4
  %".41" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".40", i32 0
  %".42" = shufflevector <8 x i32> %".41", <8 x i32> %".41", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".43" = getelementptr i8, ptr %".31", i64 16
  %".44" = load i32, ptr %".43", align 4
  %".45" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".44", i32 0
  %".46" = shufflevector <8 x i32> %".45", <8 x i32> %".45", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".47" = getelementptr i8, ptr %".43", i64 4
  %".48" = load i32, ptr %".47", align 4
  %".49" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".48", i32 0
  %".50" = shufflevector <8 x i32> %".49", <8 x i32> %".49", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".51" = getelementptr i8, ptr %".43", i64 8
  %".52" = load i32, ptr %".51", align 4
  %".53" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".52", i32 0
  %".54" = shufflevector <8 x i32> %".53", <8 x i32> %".53", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".55" = load <8 x i32>, ptr %".10", align 4
  %".56" = getelementptr i8, ptr %".10", i64 32
  %".57" = load <8 x i32>, ptr %".56", align 4
  %".58" = getelementptr i8, ptr %".10", i64 64
  %".59" = load <8 x i32>, ptr %".58", align 4
  %".60" = xor <8 x i32> %".34", %".55"
  %".61" = xor <8 x i32> %".38", %".57"
  %".62" = xor <8 x i32> %".42", %".59"
  %".63" = xor <8 x i32> %".60", %".61"
  %".64" = xor <8 x i32> %".63", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".65" = and <8 x i32> %".60", %".61"
  %".66" = and <8 x i32> %".63", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".67" = or <8 x i32> %".65", %".66"
  %".68" = xor <8 x i32> %".64", %".62"
  %".69" = and <8 x i32> %".64", %".62"
  %".70" = xor <8 x i32> %".67", %".69"
  %".71" = xor <8 x i32> %".70", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".72" = and <8 x i32> %".67", %".69"
  %".73" = and <8 x i32> %".70", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".74" = or <8 x i32> %".72", %".73"
  %".75" = bitcast <8 x i32> %".74" to <32 x i8>
  %".76" = and <32 x i8> %".75", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".77" = bitcast <8 x i32> %".74" to <16 x i16>
  %".78" = lshr <16 x i16> %".77", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".79" = bitcast <16 x i16> %".78" to <32 x i8>
  %".80" = and <32 x i8> %".79", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".81" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".76")
  %".82" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".80")
  %".83" = add <32 x i8> %".81", %".82"
  %".84" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".83"
  %".85" = xor <8 x i32> %".46", %".55"
  %".86" = xor <8 x i32> %".50", %".57"
  %".87" = xor <8 x i32> %".54", %".59"
  %".88" = xor <8 x i32> %".85", %".86"
  %".89" = xor <8 x i32> %".88", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".90" = and <8 x i32> %".85", %".86"
  %".91" = and <8 x i32> %".88", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".92" = or <8 x i32> %".90", %".91"
  %".93" = xor <8 x i32> %".89", %".87"
  %".94" = and <8 x i32> %".89", %".87"
  %".95" = xor <8 x i32> %".92", %".94"
  %".96" = xor <8 x i32> %".95", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".97" = and <8 x i32> %".92", %".94"
  %".98" = and <8 x i32> %".95", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".99" = or <8 x i32> %".97", %".98"
  %".100" = bitcast <8 x i32> %".99" to <32 x i8>
  %".101" = and <32 x i8> %".100", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".102" = bitcast <8 x i32> %".99" to <16 x i16>
  %".103" = lshr <16 x i16> %".102", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".104" = bitcast <16 x i16> %".103" to <32 x i8>
  %".105" = and <32 x i8> %".104", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".106" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".101")
  %".107" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".105")
  %".108" = add <32 x i8> %".106", %".107"
  %".109" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".108"
  %".110" = bitcast <32 x i8> %".84" to <8 x i32>
  %".111" = and <8 x i32> %".110", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".112" = lshr <8 x i32> %".110", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".113" = and <8 x i32> %".112", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".114" = add <8 x i32> %".111", %".113"
  %".115" = and <8 x i32> %".114", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".116" = lshr <8 x i32> %".114", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".117" = add <8 x i32> %".115", %".116"
  %".118" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".117"
  %".119" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".120" = bitcast <8 x i32> %".71" to <32 x i8>
  %".121" = and <32 x i8> %".120", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".122" = bitcast <8 x i32> %".71" to <16 x i16>
  %".123" = lshr <16 x i16> %".122", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".124" = bitcast <16 x i16> %".123" to <32 x i8>
  %".125" = and <32 x i8> %".124", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".126" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".121")
  %".127" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".125")
  %".128" = add <32 x i8> %".126", %".127"
  %".129" = add <32 x i8> %".119", %".128"
  %".130" = add <32 x i8> %".129", %".129"
  %".131" = bitcast <8 x i32> %".68" to <32 x i8>
  %".132" = and <32 x i8> %".131", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".133" = bitcast <8 x i32> %".68" to <16 x i16>
  %".134" = lshr <16 x i16> %".133", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".135" = bitcast <16 x i16> %".134" to <32 x i8>
  %".136" = and <32 x i8> %".135", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".137" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".132")
  %".138" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".136")
  %".139" = add <32 x i8> %".137", %".138"
  %".140" = add <32 x i8> %".130", %".139"
  %".141" = shl <8 x i32> %".118", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".142" = bitcast <32 x i8> %".140" to <8 x i32>
  %".143" = and <8 x i32> %".142", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".144" = lshr <8 x i32> %".142", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".145" = and <8 x i32> %".144", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".146" = add <8 x i32> %".143", %".145"
  %".147" = and <8 x i32> %".146", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".148" = lshr <8 x i32> %".146", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".149" = add <8 x i32> %".147", %".148"
  %".150" = add <8 x i32> %".141", %".149"
  %".151" = add <8 x i32> %".150", %".150"
  %".152" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".151"
  %".153" = bitcast <32 x i8> %".109" to <8 x i32>
  %".154" = and <8 x i32> %".153", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".155" = lshr <8 x i32> %".153", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".156" = and <8 x i32> %".155", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".157" = add <8 x i32> %".154", %".156"
  %".158" = and <8 x i32> %".157", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".159" = lshr <8 x i32> %".157", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".160" = add <8 x i32> %".158", %".159"
  %".161" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".160"
  %".162" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".163" = bitcast <8 x i32> %".96" to <32 x i8>
  %".164" = and <32 x i8> %".163", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".165" = bitcast <8 x i32> %".96" to <16 x i16>
  %".166" = lshr <16 x i16> %".165", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".167" = bitcast <16 x i16> %".166" to <32 x i8>
  %".168" = and <32 x i8> %".167", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".169" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".164")
  %".170" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".168")
  %".171" = add <32 x i8> %".169", %".170"
  %".172" = add <32 x i8> %".162", %".171"
  %".173" = add <32 x i8> %".172", %".172"
  %".174" = bitcast <8 x i32> %".93" to <32 x i8>
  %".175" = and <32 x i8> %".174", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".176" = bitcast <8 x i32> %".93" to <16 x i16>
  %".177" = lshr <16 x i16> %".176", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".178" = bitcast <16 x i16> %".177" to <32 x i8>
  %".179" = and <32 x i8> %".178", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".180" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".175")
  %".181" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".179")
  %".182" = add <32 x i8> %".180", %".181"
  %".183" = add <32 x i8> %".173", %".182"
  %".184" = shl <8 x i32> %".161", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".185" = bitcast <32 x i8> %".183" to <8 x i32>
  %".186" = and <8 x i32> %".185", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".187" = lshr <8 x i32> %".185", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".188" = and <8 x i32> %".187", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".189" = add <8 x i32> %".186", %".188"
  %".190" = and <8 x i32> %".189", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".191" = lshr <8 x i32> %".189", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".192" = add <8 x i32> %".190", %".191"
  %".193" = add <8 x i32> %".184", %".192"
  %".194" = add <8 x i32> %".193", %".193"
  %".195" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".194"
  %".196" = mul nsw i64 %".27", 32
  %".197" = getelementptr i8, ptr %".12", i64 %".196"
  store <8 x i32> %".152", ptr %".197", align 4
  %".199" = add nsw i64 %".27", 1
  %".200" = mul nsw i64 %".199", 32
  %".201" = getelementptr i8, ptr %".12", i64 %".200"
  store <8 x i32> %".195", ptr %".201", align 4
  %".203" = add nsw i64 %".27", 2
  br label %"loop.1"
done.1:
  br label %"loop.2"
loop.2:
  %".206" = phi  i64 [%".25", %"done.1"], [%".298", %"do.2"]
  %".207" = icmp slt i64 %".206", %".19"
  br i1 %".207", label %"do.2", label %"done.2"
do.2:
  %".209" = mul nsw i64 %".206", 16
  %".210" = getelementptr i8, ptr %".8", i64 %".209"
  %".211" = load i32, ptr %".210", align 4
  %".212" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".211", i32 0
  %".213" = shufflevector <8 x i32> %".212", <8 x i32> %".212", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".214" = getelementptr i8, ptr %".210", i64 4
  %".215" = load i32, ptr %".214", align 4
  %".216" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".215", i32 0
  %".217" = shufflevector <8 x i32> %".216", <8 x i32> %".216", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".218" = getelementptr i8, ptr %".210", i64 8
  %".219" = load i32, ptr %".218", align 4
  %".220" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".219", i32 0
  %".221" = shufflevector <8 x i32> %".220", <8 x i32> %".220", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".222" = load <8 x i32>, ptr %".10", align 4
  %".223" = getelementptr i8, ptr %".10", i64 32
  %".224" = load <8 x i32>, ptr %".223", align 4
  %".225" = getelementptr i8, ptr %".10", i64 64
  %".226" = load <8 x i32>, ptr %".225", align 4
  %".227" = xor <8 x i32> %".213", %".222"
  %".228" = xor <8 x i32> %".217", %".224"
  %".229" = xor <8 x i32> %".221", %".226"
  %".230" = xor <8 x i32> %".227", %".228"
  %".231" = xor <8 x i32> %".230", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".232" = and <8 x i32> %".227", %".228"
  %".233" = and <8 x i32> %".230", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".234" = or <8 x i32> %".232", %".233"
  %".235" = xor <8 x i32> %".231", %".229"
  %".236" = and <8 x i32> %".231", %".229"
  %".237" = xor <8 x i32> %".234", %".236"
  %".238" = xor <8 x i32> %".237", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".239" = and <8 x i32> %".234", %".236"
  %".240" = and <8 x i32> %".237", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".241" = or <8 x i32> %".239", %".240"
  %".242" = bitcast <8 x i32> %".241" to <32 x i8>
  %".243" = and <32 x i8> %".242", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".244" = bitcast <8 x i32> %".241" to <16 x i16>
  %".245" = lshr <16 x i16> %".244", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".246" = bitcast <16 x i16> %".245" to <32 x i8>
  %".247" = and <32 x i8> %".246", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".248" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".243")
  %".249" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".247")
  %".250" = add <32 x i8> %".248", %".249"
  %".251" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".250"
  %".252" = bitcast <32 x i8> %".251" to <8 x i32>
  %".253" = and <8 x i32> %".252", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".254" = lshr <8 x i32> %".252", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".255" = and <8 x i32> %".254", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".256" = add <8 x i32> %".253", %".255"
  %".257" = and <8 x i32> %".256", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".258" = lshr <8 x i32> %".256", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".259" = add <8 x i32> %".257", %".258"
  %".260" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".259"
  %".261" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".262" = bitcast <8 x i32> %".238" to <32 x i8>
  %".263" = and <32 x i8> %".262", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".264" = bitcast <8 x i32> %".238" to <16 x i16>
  %".265" = lshr <16 x i16> %".264", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".266" = bitcast <16 x i16> %".265" to <32 x i8>
  %".267" = and <32 x i8> %".266", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".268" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".263")
  %".269" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".267")
  %".270" = add <32 x i8> %".268", %".269"
  %".271" = add <32 x i8> %".261", %".270"
  %".272" = add <32 x i8> %".271", %".271"
  %".273" = bitcast <8 x i32> %".235" to <32 x i8>
  %".274" = and <32 x i8> %".273", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".275" = bitcast <8 x i32> %".235" to <16 x i16>
  %".276" = lshr <16 x i16> %".275", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".277" = bitcast <16 x i16> %".276" to <32 x i8>
  %".278" = and <32 x i8> %".277", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".279" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".274")
  %".280" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".278")
  %".281" = add <32 x i8> %".279", %".280"
  %".282" = add <32 x i8> %".272", %".281"
  %".283" = shl <8 x i32> %".260", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".284" = bitcast <32 x i8> %".282" to <8 x i32>
  %".285" = and <8 x i32> %".284", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".286" = lshr <8 x i32> %".284", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".287" = and <8 x i32> %".286", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".288" = add <8 x i32> %".285", %".287"
  %".289" = and <8 x i32> %".288", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".290" = lshr <8 x i32> %".288", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".291" = add <8 x i32> %".289", %".290"
  %".292" = add <8 x i32> %".283", %".291"
  %".293" = add <8 x i32> %".292", %".292"
  %".294" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".293"
  %".295" = mul nsw i64 %".206", 32
  %".296" = getelementptr i8, ptr %".12", i64 %".295"
  store <8 x i32> %".294", ptr %".296", align 4
  %".298" = add nsw i64 %".206", 1
  br label %"loop.2"
done.2:
  %".300" = add nsw i64 %".14", 64
  br label %"loop"
}

declare <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> %".1", <32 x i8> %".2")

@"__bnnc__constants" = internal externally_initialized constant [192 x i8] zeroinitializer, section ".rodata.bnnc", align 64
define i32 @"__bnnc__abi_version"() nounwind "tune-cpu"="haswell"
{
entry:
  ret i32 1
}

define i64 @"__bnnc__workspace_size"(ptr %".1") nounwind "tune-cpu"="haswell"
{
entry:
  %".3" = load i64, ptr %".1", align 8
  %".4" = mul i64 %".3", 64
  %".5" = add i64 %".4", 0
  ret i64 %".5"
}

define internal void @"__bnnc__dispatch"(ptr %".1", ptr %".2", ptr %".3", i64 %".4") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".6" = getelementptr i8, ptr %".1", i64 40
  %".7" = load ptr, ptr %".6", align 8
  %".8" = icmp eq ptr %".7", null
  br i1 %".8", label %"here", label %"there"
here:
  call void %".2"(ptr %".3", i64 0, i64 %".4")
  ret void
there:
  %".12" = getelementptr i8, ptr %".1", i64 48
  %".13" = load ptr, ptr %".12", align 8
  call void %".7"(ptr %".13", ptr %".2", ptr %".3", i64 %".4")
  ret void
}

define i32 @"__bnnc__run"(ptr %".1") nounwind "tune-cpu"="haswell"
{
entry:
  %".3" = icmp eq ptr %".1", null
  br i1 %".3", label %"refuse", label %"go"
refuse:
  ret i32 1
go:
  %".6" = getelementptr i8, ptr %".1", i64 0
  %".7" = load i64, ptr %".6", align 8
  %".8" = icmp ne i64 %".7", 56
  br i1 %".8", label %"refuse.1", label %"go.1"
refuse.1:
  ret i32 1
go.1:
  %".11" = getelementptr i8, ptr %".1", i64 8
  %".12" = load ptr, ptr %".11", align 8
  %".13" = icmp eq ptr %".12", null
  br i1 %".13", label %"refuse.2", label %"go.2"
refuse.2:
  ret i32 2
go.2:
  %".16" = load i64, ptr %".12", align 8
  %".17" = icmp slt i64 %".16", 1
  %".18" = icmp sgt i64 %".16", 125658471745
  %".19" = or i1 %".17", %".18"
  br i1 %".19", label %"refuse.3", label %"go.3"
refuse.3:
  ret i32 2
go.3:
  %".22" = getelementptr i8, ptr %".1", i64 32
  %".23" = load ptr, ptr %".22", align 8
  %".24" = ptrtoint ptr %".23" to i64
  %".25" = and i64 %".24", 63
  %".26" = icmp eq ptr %".23", null
  %".27" = icmp ne i64 %".25", 0
  %".28" = or i1 %".26", %".27"
  br i1 %".28", label %"refuse.4", label %"go.4"
refuse.4:
  ret i32 3
go.4:
  %".31" = getelementptr i8, ptr %".1", i64 16
  %".32" = load ptr, ptr %".31", align 8
  %".33" = icmp eq ptr %".32", null
  br i1 %".33", label %"refuse.5", label %"go.5"
refuse.5:
  ret i32 4
go.5:
  %".36" = getelementptr i8, ptr %".32", i64 0
  %".37" = load ptr, ptr %".36", align 8
  %".38" = icmp eq ptr %".37", null
  %".39" = or i1 0, %".38"
  br i1 %".39", label %"refuse.6", label %"go.6"
refuse.6:
  ret i32 4
go.6:
  %".42" = getelementptr i8, ptr %".1", i64 24
  %".43" = load ptr, ptr %".42", align 8
  %".44" = icmp eq ptr %".43", null
  br i1 %".44", label %"refuse.7", label %"go.7"
refuse.7:
  ret i32 4
go.7:
  %".47" = getelementptr i8, ptr %".43", i64 0
  %".48" = load ptr, ptr %".47", align 8
  %".49" = icmp eq ptr %".48", null
  %".50" = or i1 0, %".49"
  br i1 %".50", label %"refuse.8", label %"go.8"
refuse.8:
  ret i32 4
go.8:
  %".53" = getelementptr i8, ptr %".1", i64 16
  %".54" = load ptr, ptr %".53", align 8
  %".55" = getelementptr i8, ptr %".1", i64 24
  %".56" = load ptr, ptr %".55", align 8
  %".57" = getelementptr i8, ptr %".1", i64 32
  %".58" = load ptr, ptr %".57", align 8
  %".59" = alloca i64, i32 6, align 16
  %".60" = getelementptr i8, ptr %".59", i64 16
  store i64 %".16", ptr %".60"
  %".62" = getelementptr i64, ptr %".60", i64 1
  %".63" = mul i64 %".16", 0
  %".64" = getelementptr i8, ptr %".58", i64 %".63"
  store ptr %".64", ptr %".62"
  %".66" = getelementptr i64, ptr %".60", i64 2
  %".67" = getelementptr i8, ptr %".54", i64 0
  %".68" = load ptr, ptr %".67", align 8
  store ptr %".68", ptr %".66"
  %".70" = mul i64 %".16", 1
  %".71" = add i64 %".70", 0
  %".72" = mul i64 %".16", 32
  %".73" = udiv i64 %".72", 4096
  %".74" = add i64 %".73", 1
  %".75" = udiv i64 %".72", 8192
  %".76" = icmp eq i64 %".75", 0
  %".77" = select  i1 %".76", i64 1, i64 %".75"
  store i64 %".77", ptr %".59"
  %".79" = udiv i64 %".71", %".74"
  %".80" = icmp eq i64 %".79", 0
  %".81" = select  i1 %".80", i64 1, i64 %".79"
  %".82" = getelementptr i8, ptr %".59", i64 8
  store i64 %".81", ptr %".82"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.1", ptr %".60", i64 %".71")
  %".85" = getelementptr i64, ptr %".60", i64 1
  %".86" = mul i64 %".16", 0
  %".87" = getelementptr i8, ptr %".58", i64 %".86"
  store ptr %".87", ptr %".85"
  %".89" = getelementptr i64, ptr %".60", i64 2
  %".90" = getelementptr i8, [192 x i8]* @"__bnnc__constants", i64 0
  store [192 x i8]* %".90", ptr %".89"
  %".92" = getelementptr i64, ptr %".60", i64 3
  %".93" = getelementptr i8, ptr %".56", i64 0
  %".94" = load ptr, ptr %".93", align 8
  store ptr %".94", ptr %".92"
  %".96" = mul i64 %".16", 1
  %".97" = add i64 %".96", 0
  %".98" = mul i64 %".16", 32
  %".99" = udiv i64 %".98", 4096
  %".100" = add i64 %".99", 1
  %".101" = udiv i64 %".98", 8192
  %".102" = icmp eq i64 %".101", 0
  %".103" = select  i1 %".102", i64 1, i64 %".101"
  store i64 %".103", ptr %".59"
  %".105" = udiv i64 %".97", %".100"
  %".106" = icmp eq i64 %".105", 0
  %".107" = select  i1 %".106", i64 1, i64 %".105"
  %".108" = getelementptr i8, ptr %".59", i64 8
  store i64 %".107", ptr %".108"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.2", ptr %".60", i64 %".97")
  ret i32 0
}

!0 = !{  }
